//! Who did what.

use api::Act;
use rusqlite::{Row, params};

use crate::{Error, Store};

/// Acts kept; older ones are forgotten as new ones come.
pub const KEEP_ACTS: u32 = 20_000;

/// How long acts are kept, in ms: 90 days.
pub const KEEP_ACTS_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// The most acts that one question is answered with.
const MOST: u32 = 1000;

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewAct {
    /// Who; absent for anyone.
    pub by: Option<String>,
    /// The address they came from; absent on this machine itself.
    pub from: Option<String>,
    /// The channel it was about.
    pub channel: Option<String>,
    /// What.
    pub what: String,
    /// What belongs to it.
    pub detail: Option<String>,
}

/// Which acts are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only acts older than the one of this number.
    pub before: Option<i64>,
    /// Only acts at this time or later, in milliseconds since 1970 UTC.
    pub since: Option<i64>,
    /// Only acts in which each of these words stands somewhere. Capitals make no difference.
    pub words: Vec<String>,
    /// How many at most; never more than 1000.
    pub limit: u32,
}

impl Store {
    /// Keeps an act that was done at `at` (ms since 1970 UTC), and gives it its number. Acts that are
    /// too many or too old are forgotten now and then.
    ///
    /// # Errors
    /// [`Error::Query`]; nothing is kept then.
    pub fn note_act(&self, act: &NewAct, at: i64) -> Result<i64, Error> {
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO audit (at, last, times, who, place, channel, what, detail)
                 VALUES (?1, ?1, 1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                at,
                act.by,
                act.from,
                act.channel,
                act.what,
                act.detail
            ])?;
        let id = inner.connection.last_insert_rowid();
        // Once in so many, so that each costs one insertion only.
        if id % 64 == 0 {
            inner
                .connection
                .prepare_cached("DELETE FROM audit WHERE id <= ?1 OR at < ?2")?
                .execute(params![id - i64::from(KEEP_ACTS), at - KEEP_ACTS_MS])?;
        }
        Ok(id)
    }

    /// Counts that an act was done `times` more often, last at `last` (ms since 1970 UTC).
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn repeat_act(&self, id: i64, times: u32, last: i64) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached("UPDATE audit SET times = times + ?2, last = ?3 WHERE id = ?1")?
            .execute(params![id, times, last])?;
        Ok(())
    }

    /// Acts, the newest first.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn acts(&self, query: &AuditQuery) -> Result<Vec<Act>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id, at, last, times, who, place, channel, what, detail FROM audit
             WHERE id < ?1 AND last >= ?2 ORDER BY id DESC",
        )?;
        let before = query.before.unwrap_or(i64::MAX);
        let since = query.since.unwrap_or(i64::MIN);
        let words: Vec<String> = query.words.iter().map(|w| w.to_lowercase()).collect();
        let limit = query.limit.min(MOST) as usize;
        let mut found = Vec::new();
        // Words are looked for here: SQLite folds the capitals of ASCII alone.
        let mut rows = statement.query(params![before, since])?;
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            let act = act(row)?;
            if has_words(&act, &words) {
                found.push(act);
            }
        }
        Ok(found)
    }
}

fn has_words(act: &Act, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let optional = [&act.by, &act.from, &act.channel, &act.detail];
    let mut text = act.what.to_lowercase();
    for part in optional.into_iter().flatten() {
        text.push('\n');
        text.push_str(&part.to_lowercase());
    }
    words.iter().all(|word| text.contains(word))
}

fn act(row: &Row<'_>) -> rusqlite::Result<Act> {
    Ok(Act {
        id: row.get(0)?,
        at: row.get(1)?,
        last: row.get(2)?,
        times: row.get(3)?,
        by: row.get(4)?,
        from: row.get(5)?,
        channel: row.get(6)?,
        what: row.get(7)?,
        detail: row.get(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(what: &str) -> NewAct {
        NewAct {
            by: Some("Änne’s link".into()),
            from: Some("192.168.1.9".into()),
            channel: Some("stage".into()),
            what: what.into(),
            detail: None,
        }
    }

    fn said(store: &Store, query: AuditQuery) -> Vec<String> {
        let query = AuditQuery {
            limit: if query.limit == 0 { 100 } else { query.limit },
            ..query
        };
        let acts = store.acts(&query).unwrap();
        acts.into_iter().map(|act| act.what).collect()
    }

    #[test]
    fn acts_are_found_by_time_number_and_words() {
        let store = Store::in_memory().unwrap();
        let ids: Vec<_> = (0..3_i64)
            .map(|n| store.note_act(&did(&format!("act {n}")), 1000 * n).unwrap())
            .collect();
        let all = AuditQuery::default;
        assert_eq!(said(&store, all()), ["act 2", "act 1", "act 0"]);
        let before = Some(ids[2]);
        assert_eq!(
            said(&store, AuditQuery { before, ..all() }),
            ["act 1", "act 0"]
        );
        let since = Some(1000);
        assert_eq!(
            said(&store, AuditQuery { since, ..all() }),
            ["act 2", "act 1"]
        );
        assert_eq!(said(&store, AuditQuery { limit: 1, ..all() }), ["act 2"]);
        for (words, found) in [
            (vec!["ÄNNE", "ACT 1"], 1),
            (vec!["stage"], 3),
            (vec!["192.168.1.9", "nobody"], 0),
            (vec!["%"], 0),
        ] {
            let words = words.into_iter().map(str::to_owned).collect();
            assert_eq!(said(&store, AuditQuery { words, ..all() }).len(), found);
        }
    }

    #[test]
    fn repetitions_are_counted_in_their_row() {
        let store = Store::in_memory().unwrap();
        let id = store.note_act(&did("edit"), 5).unwrap();
        store.repeat_act(id, 3, 90).unwrap();
        let acts = store.acts(&AuditQuery {
            limit: 9,
            ..AuditQuery::default()
        });
        let act = acts.unwrap().remove(0);
        assert_eq!((act.at, act.last, act.times), (5, 90, 4));
    }

    #[test]
    fn what_is_too_old_or_too_much_is_forgotten() {
        let store = Store::in_memory().unwrap();
        let day = 24 * 60 * 60 * 1000;
        for n in 0..64 {
            let at = if n < 10 { 0 } else { 91 * day };
            store.note_act(&did("act"), at).unwrap();
        }
        assert_eq!(said(&store, AuditQuery::default()).len(), 54);
    }
}
