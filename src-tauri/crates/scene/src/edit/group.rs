//! Groups: several items as one.

use std::collections::BTreeSet;

use super::transform::{Transform, bounds};
use super::{EditError, item, scene};
use crate::{
    Audio, Collection, Crop, Filter, FilterId, FilterKind, Fit, GroupSize, Item, ItemId, Rect,
    Scene, SceneId, Source, SourceId, SourceKind,
};

/// What a new group is made with.
pub(super) struct Shell<'a> {
    pub(super) group: &'a SceneId,
    pub(super) item: &'a ItemId,
    pub(super) source: &'a SourceId,
    pub(super) name: String,
}

pub(super) fn group(
    doc: &mut Collection,
    of: &SceneId,
    items: &[ItemId],
    shell: Shell<'_>,
) -> Result<(), EditError> {
    for id in items {
        item(doc, of, id)?;
    }
    let around = {
        let chosen = scene(doc, of)?.items.clone();
        let chosen: Vec<Item> = chosen
            .into_iter()
            .filter(|i| items.contains(&i.id))
            .collect();
        around(doc, &chosen)
    };
    let scene = scene(doc, of)?;
    let Some(top) = scene.items.iter().rposition(|i| items.contains(&i.id)) else {
        return Err(EditError::NoItems);
    };
    let (mut chosen, mut rest) = (Vec::new(), Vec::new());
    let mut place = 0;
    for (index, one) in scene.items.drain(..).enumerate() {
        if items.contains(&one.id) {
            chosen.push(one);
        } else {
            place += usize::from(index < top);
            rest.push(one);
        }
    }
    for one in &mut chosen {
        one.rect.x -= around.x;
        one.rect.y -= around.y;
    }
    rest.insert(
        place,
        Item {
            id: shell.item.clone(),
            source: shell.source.clone(),
            rect: around,
            fit: Fit::Stretch,
            crop: Crop::default(),
            rotation: 0.0,
            opacity: 1.0,
            visible: true,
            locked: false,
            flip_h: false,
            flip_v: false,
            blend: crate::Blend::Normal,
            filters: Vec::new(),
        },
    );
    scene.items = rest;
    doc.sources.push(Source {
        id: shell.source.clone(),
        name: shell.name.clone(),
        kind: SourceKind::Scene {
            scene: shell.group.clone(),
        },
        audio: Audio::default(),
        filters: Vec::new(),
    });
    doc.scenes.push(Scene {
        id: shell.group.clone(),
        name: shell.name,
        items: chosen,
        group: Some(size_of(around)),
        filters: Vec::new(),
        transition: None,
    });
    Ok(())
}

pub(super) fn ungroup(doc: &mut Collection, of: &SceneId, id: &ItemId) -> Result<(), EditError> {
    let shell = item(doc, of, id)?.clone();
    let Some(source) = doc.source(&shell.source) else {
        return Err(EditError::Missing {
            what: "source",
            id: shell.source.as_str().to_owned(),
        });
    };
    let group = doc.nested(source).and_then(|s| Some((s, s.group?)));
    let Some((group, size)) = group else {
        return Err(EditError::NotGroup {
            name: source.name.clone(),
        });
    };
    let mut inner = group.items.clone();
    let filters = [&group.filters, &source.filters, &shell.filters];
    let colours: Vec<Filter> = filters
        .into_iter()
        .flatten()
        .filter(|f| of_colour(f))
        .cloned()
        .collect();
    let transform = Transform::of(&shell, [size.width as f32, size.height as f32]);
    let scene = scene(doc, of)?;
    let Some(at) = scene.items.iter().position(|i| i.id == *id) else {
        return Err(EditError::NoItems);
    };
    scene.items.remove(at);
    let mut taken: BTreeSet<ItemId> = scene.items.iter().map(|i| i.id.clone()).collect();
    for one in &mut inner {
        transform.place(one);
        one.opacity *= shell.opacity;
        one.visible &= shell.visible;
        take_on(&mut one.filters, &colours);
        while !taken.insert(one.id.clone()) {
            one.id = ItemId::new(format!("{}/{}", id.as_str(), one.id.as_str()));
        }
    }
    scene.items.splice(at..at, inner);
    Ok(())
}

/// Whether a filter looks at colours alone: on each item of a group it does what it did to all of them.
fn of_colour(filter: &Filter) -> bool {
    matches!(
        filter.kind,
        FilterKind::ChromaKey(_)
            | FilterKind::LumaKey(_)
            | FilterKind::ColorCorrection(_)
            | FilterKind::Lut(_)
    )
}

/// Adds filters behind those that are there, as far as there is room, under names of their own.
fn take_on(own: &mut Vec<Filter>, more: &[Filter]) {
    let room = crate::filter::MOST.saturating_sub(own.len());
    for filter in more.iter().take(room) {
        let mut filter = filter.clone();
        while own.iter().any(|one| one.id == filter.id) {
            filter.id = FilterId::new(format!("group/{}", filter.id.as_str()));
        }
        own.push(filter);
    }
}

pub(super) fn fit(doc: &mut Collection, id: &SceneId) -> Result<(), EditError> {
    let group = scene(doc, id)?;
    let Some(before) = group.group else {
        return Err(EditError::NotGroup {
            name: group.name.clone(),
        });
    };
    let items = group.items.clone();
    let around = around(doc, &items);
    let after = size_of(around);
    if (around.x, around.y) == (0.0, 0.0) && before == after {
        return Ok(());
    }
    let shown: BTreeSet<SourceId> = doc
        .sources
        .iter()
        .filter(|s| matches!(&s.kind, SourceKind::Scene { scene } if scene == id))
        .map(|s| s.id.clone())
        .collect();
    let all = doc.scenes.iter().flat_map(|s| &s.items);
    let mut showing = all.filter(|i| shown.contains(&i.source));
    if showing.any(|i| i.crop != Crop::default()) {
        // Somebody chose what is to be seen of it.
        return Ok(());
    }
    let middle = [
        around.x + around.width / 2.0,
        around.y + around.height / 2.0,
    ];
    for item in doc.scenes.iter_mut().flat_map(|s| &mut s.items) {
        if !shown.contains(&item.source) {
            continue;
        }
        let transform = Transform::of(item, [before.width as f32, before.height as f32]);
        let [x, y] = transform.point(middle);
        let [across, down] = transform.scale();
        let (width, height) = (around.width * across, around.height * down);
        item.fit = Fit::Stretch;
        item.rect = Rect {
            x: x - width / 2.0,
            y: y - height / 2.0,
            width: width.max(1.0),
            height: height.max(1.0),
        };
    }
    let group = scene(doc, id)?;
    group.group = Some(after);
    for item in &mut group.items {
        item.rect.x -= around.x;
        item.rect.y -= around.y;
    }
    Ok(())
}

/// The box around all that has a picture, on whole pixels; the canvas when nothing has one.
fn around(doc: &Collection, items: &[Item]) -> Rect {
    let seen = items
        .iter()
        .filter(|i| doc.source(&i.source).is_some_and(|s| s.kind.has_video()));
    let all = seen.map(bounds).reduce(|a, b| {
        [
            a[0].min(b[0]),
            a[1].min(b[1]),
            a[2].max(b[2]),
            a[3].max(b[3]),
        ]
    });
    let Some([left, top, right, bottom]) = all else {
        return Rect {
            x: 0.0,
            y: 0.0,
            width: doc.canvas.width as f32,
            height: doc.canvas.height as f32,
        };
    };
    let (x, y) = (left.floor(), top.floor());
    Rect {
        x,
        y,
        width: (right.ceil() - x).max(1.0),
        height: (bottom.ceil() - y).max(1.0),
    }
}

fn size_of(rect: Rect) -> GroupSize {
    GroupSize {
        width: rect.width as u32,
        height: rect.height as u32,
    }
}

#[cfg(test)]
mod tests;
