//! Who goes first when the machine is busy.

use std::cell::Cell;

thread_local! {
    /// Whether this thread goes first now; `None` where the system does not let it.
    static FIRST: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Lets the calling thread run as soon as there is something for it to do: sending a picture takes little, and while
/// it waits for an encoder's turn to end, everybody who watches waits. Systems give this to those they trust; a
/// thread that does not get it takes its turns like all others.
///
/// # Errors
/// The system refuses, and says why.
pub(super) fn claim() -> Result<(), String> {
    stand(true)?;
    FIRST.set(Some(true));
    Ok(())
}

/// Gives up, for a while, what [`claim`] got, or takes it again.
pub(super) fn go_first(first: bool) {
    if FIRST.get().is_some_and(|now| now != first) {
        match stand(first) {
            Ok(()) => FIRST.set(Some(first)),
            Err(reason) => {
                tracing::debug!(reason, "a thread takes its turns from now on");
                FIRST.set(None);
            }
        }
    }
}

#[cfg(unix)]
fn stand(first: bool) -> Result<(), String> {
    use thread_priority::ThreadPriority;
    use thread_priority::unix::{
        NormalThreadSchedulePolicy as Normal, RealtimeThreadSchedulePolicy as Realtime,
        ThreadSchedulePolicy as Policy, set_thread_priority_and_policy, thread_native_id,
    };
    /// Above everything that shares the machine by turns, and below what systems themselves and sound servers use.
    const PRECEDENCE: u8 = 5;
    /// Of a hundred steps from the most to the least nice, what everything has that asks for nothing.
    const NONE: u8 = 48;
    let (policy, priority) = match first {
        true => (Policy::Realtime(Realtime::RoundRobin), PRECEDENCE),
        false => (Policy::Normal(Normal::Other), NONE),
    };
    let priority = ThreadPriority::Crossplatform(priority.try_into()?);
    set_thread_priority_and_policy(thread_native_id(), priority, policy)
        .map_err(|error| error.to_string())
}

/// Other systems are not asked.
#[cfg(not(unix))]
fn stand(_first: bool) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// What the system has this thread under: its policy (`SCHED_OTHER` is 0, `SCHED_RR` 2) and its niceness.
    fn standing() -> (u32, i32) {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        (fields[38].parse().unwrap(), fields[16].parse().unwrap())
    }

    #[test]
    fn precedence_is_given_up_and_taken_again_where_there_is_any() {
        let (before, nice) = standing();
        go_first(true);
        assert_eq!(standing(), (before, nice), "who claims nothing has nothing");
        if let Err(reason) = claim() {
            println!("SKIPPED precedence: {reason}");
            assert!(!reason.is_empty());
            assert_eq!(standing(), (before, nice));
            return;
        }
        assert_eq!(standing().0, 2);
        go_first(false);
        assert_eq!(standing(), (0, 0));
        go_first(true);
        assert_eq!(standing().0, 2);
    }
}
