//! What this process holds of its machine, as far as the system tells it without asking: Linux does, in
//! `/proc`. Elsewhere these figures are left out.

/// What a process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Held {
    /// CPU time since it began, in seconds.
    pub(crate) cpu: Option<f64>,
    /// Resident memory, in bytes.
    pub(crate) memory: Option<u64>,
    /// Open descriptors.
    pub(crate) descriptors: Option<u64>,
    /// Threads.
    pub(crate) threads: Option<u64>,
}

/// Looks it up. Reads a few small files that are no files: takes microseconds.
pub(crate) fn held() -> Held {
    if !cfg!(target_os = "linux") {
        return Held::default();
    }
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}"));
    let descriptors = std::fs::read_dir("/proc/self/fd").ok();
    Held {
        cpu: read("stat").ok().and_then(|text| cpu(&text)),
        descriptors: descriptors.map(|entries| entries.count() as u64),
        ..read("status").map_or_else(|_| Held::default(), |text| status(&text))
    }
}

/// Seconds of user and system time in `/proc/self/stat` (proc_pid_stat(5)): fields 14 and 15, in ticks
/// of which Linux shows a hundred a second to every program. The name in field 2 may hold anything.
fn cpu(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / 100.0)
}

fn status(text: &str) -> Held {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Held {
        memory: field("VmRSS:").map(|kib| kib * 1024),
        threads: field("Threads:"),
        ..Held::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_writes_is_read() {
        let stat = "812 (a ) b) S 1 812 812 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu(stat), Some(3.0));
        assert_eq!(cpu("nonsense"), None);
        let text = "Name:\tklieg\nVmRSS:\t  2048 kB\nThreads:\t17\n";
        let expect = Held {
            memory: Some(2_097_152),
            threads: Some(17),
            ..Held::default()
        };
        assert_eq!(status(text), expect);
    }

    #[test]
    fn linux_tells_all_of_it() {
        if cfg!(target_os = "linux") {
            let held = held();
            assert!(
                held.cpu.is_some() && held.memory > Some(1 << 20),
                "{held:?}"
            );
            assert!(
                held.descriptors > Some(2) && held.threads >= Some(1),
                "{held:?}"
            );
        }
    }
}
