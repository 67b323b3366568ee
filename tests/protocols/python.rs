//! Peers that are written in Python, each in a virtual environment of the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use klieg_tests::{need, skip};

/// A Python that has `packages`, made once under a name; `None` when it cannot be had, which is said
/// loudly. It is there when it can import `modules`.
pub(crate) fn with(test: &str, name: &str, modules: &str, packages: &[&str]) -> Option<PathBuf> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    need(test, "python3")?;
    match MADE.get_or_init(|| make(name, modules, packages)) {
        Ok(python) => Some(python.clone()),
        Err(why) => {
            skip(test, why);
            None
        }
    }
}

fn make(name: &str, modules: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = place.join("bin/python");
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    if run(&python, &["-c", &format!("import {modules}")]).is_ok() {
        return Ok(python);
    }
    let made = run(
        Path::new("python3"),
        &["-m", "venv", &place.to_string_lossy()],
    );
    made.map_err(|e| format!("no virtual environment can be made: {e}"))?;
    let mut install = vec!["-m", "pip", "install", "--quiet"];
    install.extend(packages);
    run(&python, &install).map_err(|e| format!("{name} cannot be installed: {e}"))?;
    Ok(python)
}
