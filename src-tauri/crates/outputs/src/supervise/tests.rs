use super::*;

/// What an attempt does: waits, is live for a while or not at all, and ends.
#[derive(Clone, Copy)]
struct Play {
    wait_ms: u64,
    live_ms: Option<u64>,
    end: Result<(), &'static str>,
    refused: bool,
    key: bool,
}

const OK: Play = Play {
    wait_ms: 10,
    live_ms: Some(5_000),
    end: Ok(()),
    refused: false,
    key: false,
};

fn lost(live_ms: Option<u64>) -> Play {
    Play {
        wait_ms: 10,
        live_ms,
        end: Err("gone"),
        refused: false,
        key: false,
    }
}

fn wrong_key() -> Play {
    Play {
        key: true,
        ..refused(None)
    }
}

fn refused(live_ms: Option<u64>) -> Play {
    Play {
        refused: true,
        ..lost(live_ms)
    }
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
                Ok(()) => Ok(()),
                Err(text) if play.key => Err(PublishError::WrongKey(text.into())),
                Err(text) if play.refused => Err(PublishError::Refused(text.into())),
                Err(text) => Err(PublishError::Lost(text.into())),
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
        (vec![refused(None)], &["connecting", "refused"]),
        // A wrong key is not tried a second time.
        (vec![wrong_key()], &["connecting", "wrong key"]),
        (
            vec![lost(None), wrong_key()],
            &["connecting", "retrying 1", "connecting", "wrong key"],
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
        // A refusal before anything was ever live ends it, even after retries.
        (
            vec![lost(None), refused(None)],
            &["connecting", "retrying 1", "connecting", "refused"],
        ),
        // Afterwards it is thought over.
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
async fn a_refusal_after_being_live_is_not_thought_over_forever() {
    let mut plays = vec![lost(Some(2_000))];
    plays.extend([refused(None); 20]);
    let seen = run_through(plays).await;
    assert_eq!(seen.last().map(String::as_str), Some("refused"));
    assert!(seen.contains(&format!("retrying {SECOND_THOUGHTS}")));
    assert!(!seen.contains(&format!("retrying {}", SECOND_THOUGHTS + 1)));
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
