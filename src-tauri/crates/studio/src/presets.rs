//! Presets of filters: kept with the studio, so that every page and the window have the same.

use api::{Code, FilterPreset, Problem};
use store::Store;

use crate::studio::{Shared, sentence};

/// Under which they are kept.
const KEPT: &str = "filter_presets";

/// As many as are kept; every snapshot carries them.
const MOST: usize = 200;
const LONGEST: usize = 100;

/// What was kept. A preset that cannot be read, or that is out of range by now, is left out.
pub(crate) fn open(store: &Store) -> Result<Vec<FilterPreset>, store::Error> {
    let Some(text) = store.get(KEPT)? else {
        return Ok(Vec::new());
    };
    let kept: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(%error, "the presets of filters that were kept cannot be read");
        Vec::new()
    });
    let known = kept.into_iter().filter_map(|one| {
        let preset: FilterPreset = serde_json::from_value(one).ok()?;
        preset.filter.validate().ok()?;
        Some(preset)
    });
    Ok(known.collect())
}

impl Shared {
    pub(crate) fn keep_preset(&self, preset: FilterPreset) -> Result<(), Problem> {
        let preset = checked(preset)?;
        self.set_presets(|all| {
            let (kind, name) = (preset.filter.described().kind, preset.name.clone());
            all.retain(|one| !is(one, kind, &name));
            if all.len() == MOST {
                return refused(format!(
                    "{MOST} presets are kept already. Forget one of them first."
                ));
            }
            all.push(preset);
            Ok(())
        })
    }

    pub(crate) fn forget_preset(&self, kind: &str, name: &str) -> Result<(), Problem> {
        self.set_presets(|all| {
            let before = all.len();
            all.retain(|one| !is(one, kind, name));
            if all.len() == before {
                let text = format!("There is no preset “{name}”; it may have been forgotten.");
                return Err(Problem::new(Code::NotFound, text).about("presets"));
            }
            Ok(())
        })
    }

    /// Changes a copy, which counts once it is kept.
    fn set_presets(
        &self,
        change: impl FnOnce(&mut Vec<FilterPreset>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let failed = |e: &dyn std::fmt::Display| {
            Problem::new(Code::Unavailable, sentence(&e.to_string())).about("presets")
        };
        let mut state = self.state.lock();
        let mut all = state.presets.clone();
        change(&mut all)?;
        let text = serde_json::to_string(&all).map_err(|e| failed(&e))?;
        self.store.set(KEPT, &text).map_err(|e| failed(&e))?;
        state.presets = all;
        Ok(())
    }
}

fn is(preset: &FilterPreset, kind: &str, name: &str) -> bool {
    preset.name == name && preset.filter.described().kind == kind
}

fn checked(preset: FilterPreset) -> Result<FilterPreset, Problem> {
    let name = preset.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST {
        return refused(format!("A preset's name has 1 to {LONGEST} characters."));
    }
    if let Err(invalid) = preset.filter.validate() {
        return refused(sentence(&invalid.to_string()));
    }
    Ok(FilterPreset {
        name: name.to_owned(),
        filter: preset.filter,
    })
}

fn refused<T>(text: String) -> Result<T, Problem> {
    Err(Problem::new(Code::Invalid, text).about("presets"))
}

#[cfg(test)]
mod tests {
    use api::scene::{Blur, FilterKind};

    use super::*;

    fn preset(name: &str, radius: f32) -> FilterPreset {
        FilterPreset {
            name: name.into(),
            filter: FilterKind::Blur(Blur { radius }),
        }
    }

    #[test]
    fn a_preset_has_a_name_and_is_within_range() {
        let long = "x".repeat(LONGEST + 1);
        for (given, fine) in [
            (preset("Soft", 4.0), true),
            (preset("  Soft ", 4.0), true),
            (preset(" ", 4.0), false),
            (preset(&long, 4.0), false),
            (preset("Soft", 4000.0), false),
        ] {
            let checked = checked(given.clone());
            assert_eq!(checked.is_ok(), fine, "{given:?}: {checked:?}");
            assert!(checked.is_err() || checked.is_ok_and(|one| one.name == "Soft"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let store = Store::in_memory().unwrap();
        assert_eq!(open(&store).unwrap(), []);
        store.set(KEPT, "{").unwrap();
        assert_eq!(open(&store).unwrap(), []);
        let good = serde_json::to_string(&preset("Soft", 4.0)).unwrap();
        let wild = serde_json::to_string(&preset("Wild", 4000.0)).unwrap();
        let text = format!(r#"[{good},{wild},{{"name":"Lost","filter":{{"kind":"gone"}}}}]"#);
        store.set(KEPT, &text).unwrap();
        assert_eq!(open(&store).unwrap(), [preset("Soft", 4.0)]);
    }
}
