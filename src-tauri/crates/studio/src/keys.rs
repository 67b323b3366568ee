//! Which key does what: kept with the studio, so that every page and the window know the same.

use std::collections::{BTreeMap, BTreeSet};

use api::{Code, Keys, Problem};
use store::Store;

use crate::studio::{Shared, sentence};

/// Under which they are kept.
const KEPT: &str = "keys";

/// Actions that can have a key, at most, and the longest name of one or of a key.
const MOST: usize = 500;
const LONGEST: usize = 64;

/// What was kept. What cannot be read is as at first.
pub(crate) fn open(store: &Store) -> Result<Keys, store::Error> {
    let kept = store.get(KEPT)?;
    let keys = kept.and_then(|text| match serde_json::from_str(&text) {
        Ok(keys) => Some(keys),
        Err(error) => {
            tracing::warn!(%error, "the keys that were kept cannot be read; they are as at first");
            None
        }
    });
    Ok(keys.unwrap_or_default())
}

impl Shared {
    pub(crate) fn set_keys(&self, keys: Keys) -> Result<(), Problem> {
        check(&keys.own)?;
        check(&keys.anywhere)?;
        let failed = |e: &dyn std::fmt::Display| {
            Problem::new(Code::Unavailable, sentence(&e.to_string())).about("keys")
        };
        let text = serde_json::to_string(&keys).map_err(|e| failed(&e))?;
        self.store.set(KEPT, &text).map_err(|e| failed(&e))?;
        self.state.lock().keys = keys;
        Ok(())
    }
}

/// No key for two things, and nothing out of measure.
fn check(keys: &BTreeMap<String, String>) -> Result<(), Problem> {
    let refused = |text: String| Err(Problem::new(Code::Invalid, text).about("keys"));
    if keys.len() > MOST {
        return refused(format!(
            "At most {MOST} actions can have keys of their own."
        ));
    }
    let mut taken = BTreeSet::new();
    for (action, key) in keys {
        if action.is_empty() || action.len() > LONGEST || key.len() > LONGEST {
            return refused(format!(
                "No action and no key is longer than {LONGEST} bytes."
            ));
        }
        if !key.is_empty() && !taken.insert(key) {
            return refused(format!(
                "{key} is given to two actions. Choose another key for one."
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs.map(|(a, k)| ((*a).into(), (*k).into())).collect()
    }

    #[test]
    fn a_key_does_one_thing() {
        let long = "x".repeat(LONGEST + 1);
        for (given, fine) in [
            (keys(&[]), true),
            (keys(&[("undo", "Ctrl+U"), ("redo", "")]), true),
            (keys(&[("undo", ""), ("redo", "")]), true),
            (keys(&[("undo", "U"), ("redo", "U")]), false),
            (keys(&[("", "U")]), false),
            (keys(&[(&long, "U")]), false),
            (keys(&[("undo", &long)]), false),
        ] {
            assert_eq!(check(&given).is_ok(), fine, "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_as_at_first() {
        let store = Store::in_memory().unwrap();
        assert_eq!(open(&store).unwrap(), Keys::default());
        store.set(KEPT, "{").unwrap();
        assert_eq!(open(&store).unwrap(), Keys::default());
        store.set(KEPT, r#"{"own":{"undo":"U"}}"#).unwrap();
        let kept = open(&store).unwrap();
        assert_eq!((kept.own, kept.singles), (keys(&[("undo", "U")]), true));
    }
}
