use api::{Act, Code, Command, Problem};
use store::AuditQuery;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

fn rows(store: &Store) -> Vec<Act> {
    let query = AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    };
    let mut rows = store.acts(&query).unwrap();
    rows.reverse();
    rows
}

/// What is recorded of something.
fn recorded(what: impl FnOnce()) -> Vec<Act> {
    let store = Arc::new(Store::in_memory().unwrap());
    let acts = Acts::default();
    acts.open(Arc::clone(&store), Clock::start()).unwrap();
    let subscriber = tracing_subscriber::registry().with(acts.recorder());
    tracing::subscriber::with_default(subscriber, what);
    acts.close();
    rows(&store)
}

/// `who | from | channel | what | detail`
fn told(act: &Act) -> String {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let [by, from, channel, detail] = [&act.by, &act.from, &act.channel, &act.detail].map(or);
    format!("{by} | {from} | {channel} | {} | {detail}", act.what)
}

#[test]
fn lines_become_rows() {
    let none: Option<&str> = None;
    let rows = recorded(|| {
        tracing::info!(target: server::AUDIT, channel = %"stage", peer = %"10.0.0.9", by = none, origin = ?1, "publisher: came");
        tracing::info!(target: server::AUDIT, by = "link “Ann”", "opened ?token=abc");
    });
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [
            "- | 10.0.0.9 | stage | publisher: came | origin=1",
            "link “Ann” | - | - | opened ?token=… | -",
        ]
    );
}

#[test]
fn what_a_command_does_is_in_its_giver_s_name_and_recorded_once() {
    let peer = Some("192.168.1.9".parse().unwrap());
    let say = |text: &str| Command::SetTitle { title: text.into() };
    let rows = recorded(|| {
        let plain = server::done_by("the host", None, say("One"), |_| Ok(()));
        let noted = server::done_by("link “Ann”", peer, say("Two"), |_| {
            tracing::info!(target: server::AUDIT, name = "Camera", "link: made");
            Ok(())
        });
        let refused = server::done_by("the host", None, Command::Undo, |_| {
            Err(Problem::new(Code::Conflict, "There is nothing to undo."))
        });
        assert!(plain.is_ok() && noted.is_ok() && refused.is_err());
    });
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [
            "the host | - | - | set title | title=One",
            "link “Ann” | 192.168.1.9 | - | link: made | name=Camera",
            "the host | - | - | undo | refused: There is nothing to undo.",
        ]
    );
}

#[test]
fn the_same_again_within_a_minute_is_counted() {
    let store = Arc::new(Store::in_memory().unwrap());
    let mut rows_of = Rows::new(Arc::clone(&store));
    let act = |what: &str| NewAct {
        by: None,
        from: Some("10.0.0.9".into()),
        channel: None,
        what: what.into(),
        detail: None,
    };
    for second in 0..150 {
        rows_of.write(act("a wrong key"), second * 1000);
        if second == 10 {
            rows_of.write(act("something else"), second * 1000);
        }
    }
    rows_of.count();
    let counts: Vec<_> = rows(&store)
        .iter()
        .map(|row| (row.at / 1000, row.last / 1000, row.times))
        .collect();
    assert_eq!(
        counts,
        [(0, 59, 60), (10, 10, 1), (60, 119, 60), (120, 149, 30)]
    );
}

#[test]
fn what_was_lost_is_said() {
    let store = Arc::new(Store::in_memory().unwrap());
    let (acts, waiting) = sync_channel(2);
    acts.send((lost(1), 5)).unwrap();
    drop(acts);
    Rows::new(Arc::clone(&store)).write_all(&waiting, &AtomicU64::new(7));
    assert!(rows(&store)[0].what.starts_with("7 acts"));
}
