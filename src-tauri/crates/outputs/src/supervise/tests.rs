use super::*;

/// What an attempt does: waits, is live for a while or not at all, and ends.
#[derive(Clone, Copy)]
struct Play {
    wait_ms: u64,
    live_ms: Option<u64>,
    end: Option<fn(String) -> PublishError>,
}

const OK: Play = Play {
    wait_ms: 10,
    live_ms: Some(5_000),
    end: None,
};

fn ends(end: fn(String) -> PublishError, live_ms: Option<u64>) -> Play {
    Play {
        end: Some(end),
        live_ms,
        ..OK
    }
}

fn lost(live_ms: Option<u64>) -> Play {
    ends(PublishError::Lost, live_ms)
}

fn refused(live_ms: Option<u64>) -> Play {
    ends(PublishError::Refused, live_ms)
}

fn wrong_key() -> Play {
    ends(PublishError::WrongKey, None)
}

fn doubted(live_ms: Option<u64>) -> Play {
    ends(PublishError::KeyDoubted, live_ms)
}

fn impossible() -> Play {
    ends(PublishError::Impossible, None)
}

/// Runs these attempts in virtual time; gives the states passed through, in short.
async fn run_through(plays: Vec<Play>) -> Vec<String> {
    let (sender, mut states) = watch::channel(State::Off);
    let (_stop, stopped) = watch::channel(false);
    let plays = Arc::new(Mutex::new(plays.into_iter()));
    let attempt = move |progress: Arc<Progress>| {
        let play = plays.lock().next().unwrap_or(OK);
        async move {
            sleep(Duration::from_millis(play.wait_ms)).await;
            if let Some(live) = play.live_ms {
                progress.set_connected(true);
                progress.sent(1_000);
                progress.lost(2);
                sleep(Duration::from_millis(live)).await;
            }
            match play.end {
                None => Ok(()),
                Some(error) => Err(error("gone".into())),
            }
        }
    };
    let watcher = tokio::spawn(async move {
        let mut seen: Vec<String> = Vec::new();
        while states.changed().await.is_ok() {
            let short = match &*states.borrow_and_update() {
                State::Connecting => "connecting".into(),
                State::Live { dropped, .. } => format!("live -{dropped}"),
                State::Retrying { attempt, .. } => format!("retrying {attempt}"),
                State::Refused { key: true, .. } => "wrong key".into(),
                State::Refused { .. } => "refused".into(),
                State::Off => "off".into(),
            };
            if seen.last() != Some(&short) {
                seen.push(short);
            }
        }
        seen
    });
    let recent = Arc::default();
    supervise(attempt, Clock::start(), sender, stopped, recent, || 0).await;
    watcher.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn states_passed_through() {
    for (plays, expect) in [
        (vec![], &["connecting", "live -2", "off"][..]),
        // What cannot work, and a wrong key, are not tried a second time.
        (vec![impossible()], &["connecting", "refused"]),
        (vec![wrong_key()], &["connecting", "wrong key"]),
        (
            vec![lost(None), wrong_key()],
            &["connecting", "retrying 1", "connecting", "wrong key"],
        ),
        // Not even where the key was taken before.
        (
            vec![lost(Some(20_000)), wrong_key()],
            &[
                "connecting",
                "live -2",
                "retrying 1",
                "connecting",
                "wrong key",
            ],
        ),
        // To hang up is to say that the key is wrong, unless it was taken before.
        (vec![doubted(None)], &["connecting", "wrong key"]),
        (
            vec![doubted(Some(1_000))],
            &["connecting", "live -2", "wrong key"],
        ),
        (
            vec![lost(Some(2_000)), doubted(None)],
            &[
                "connecting",
                "live -2",
                "retrying 1",
                "connecting",
                "retrying 2",
                "connecting",
                "live -4",
                "off",
            ],
        ),
        (
            vec![lost(None), lost(None)],
            &[
                "connecting",
                "retrying 1",
                "connecting",
                "retrying 2",
                "connecting",
                "live -2",
                "off",
            ],
        ),
        // Counts of earlier connections are kept.
        (
            vec![lost(Some(2_000))],
            &[
                "connecting",
                "live -2",
                "retrying 1",
                "connecting",
                "live -4",
                "off",
            ],
        ),
        // Somebody is live with the key already, as after a restart of ours; and then not any more.
        (
            vec![refused(None), refused(None)],
            &[
                "connecting",
                "retrying 1",
                "connecting",
                "retrying 2",
                "connecting",
                "live -2",
                "off",
            ],
        ),
        (
            vec![lost(Some(2_000)), refused(None)],
            &[
                "connecting",
                "live -2",
                "retrying 1",
                "connecting",
                "retrying 2",
                "connecting",
                "live -4",
                "off",
            ],
        ),
    ] {
        assert_eq!(run_through(plays).await, expect);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_change_is_tried_as_long_as_the_show_is_on() {
    for before in [None, Some(2_000)] {
        for end in [PublishError::Refused, PublishError::Lost] {
            let mut plays = vec![lost(before)];
            plays.extend([ends(end, None); 40]);
            let seen = run_through(plays).await;
            assert!(seen.contains(&"retrying 41".to_owned()), "{seen:?}");
            assert_eq!(seen.last().map(String::as_str), Some("off"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_in_doubt_after_being_live_is_not_thought_over_forever() {
    // A long outage before does not count.
    let mut plays = vec![lost(Some(2_000))];
    plays.extend([lost(None); 9]);
    plays.extend([doubted(None); 20]);
    let seen = run_through(plays).await;
    assert_eq!(seen.last().map(String::as_str), Some("wrong key"));
    assert!(seen.contains(&format!("retrying {}", 10 + SECOND_THOUGHTS)));
    assert!(!seen.contains(&format!("retrying {}", 11 + SECOND_THOUGHTS)));
}

#[tokio::test(start_paused = true)]
async fn why_it_is_tried_again_is_said() {
    let (sender, mut states) = watch::channel(State::Off);
    let (_stop, stopped) = watch::channel(false);
    let attempt = |_| async { Err(PublishError::Refused("Somebody is live already.".into())) };
    let task = tokio::spawn(supervise(
        attempt,
        Clock::start(),
        sender,
        stopped,
        Arc::default(),
        || 0,
    ));
    let said = states
        .wait_for(|s| matches!(s, State::Retrying { .. }))
        .await
        .unwrap()
        .clone();
    assert!(
        matches!(&said, State::Retrying { attempt: 1, reason, .. } if reason == "Somebody is live already."),
        "{said:?}"
    );
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_waiting_ends_it_at_once() {
    let (sender, mut states) = watch::channel(State::Off);
    let (stop, stopped) = watch::channel(false);
    let attempt = |_| async { Err(PublishError::Lost("gone".into())) };
    let task = tokio::spawn(supervise(
        attempt,
        Clock::start(),
        sender,
        stopped,
        Arc::default(),
        || u32::MAX,
    ));
    states
        .wait_for(|s| matches!(s, State::Retrying { .. }))
        .await
        .unwrap();
    stop.send_replace(true);
    task.await.unwrap();
    assert_eq!(*states.borrow(), State::Off);
}
