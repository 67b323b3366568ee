//! Everything that can be said about the code without running it.

use anyhow::{Result, bail};

use crate::{bindings, setup, sh};

type Check = fn() -> Result<()>;

/// Runs all checks; one that fails does not hide the others.
pub(crate) fn run() -> Result<()> {
    setup::run(setup::For::Running)?;
    let checks: [(&str, Check); 6] = [
        ("Formatting", || {
            sh::run(sh::cargo().args(["fmt", "--all", "--check"]))
        }),
        ("Lints", || {
            sh::run(sh::cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]))
        }),
        ("Documentation", || {
            sh::run(
                sh::cargo()
                    .args([
                        "doc",
                        "--workspace",
                        "--no-deps",
                        "--document-private-items",
                    ])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
        }),
        ("Licences, advisories and sources", deny),
        ("Types of the pages", || {
            sh::run(sh::npm(&sh::root().join("ui")).args(["run", "--silent", "check"]))
        }),
        ("Generated types", bindings::check),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        sh::say(name);
        if let Err(error) = check() {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("not in order: {}", failed.join(", "));
    }
    println!("\nAll in order.");
    Ok(())
}

fn deny() -> Result<()> {
    if !sh::has("cargo-deny") {
        println!("not checked: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    }
    sh::run(sh::cargo().args(["deny", "check"]))
}
