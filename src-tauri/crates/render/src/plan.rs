//! What is drawn, how, and where: decided once per picture, before anything is uploaded.
//!
//! A plan is a list of steps in the order in which the device does them: scenes that stand in others,
//! and pictures that filters work on, come before what shows them.

mod chain;
mod layer;

use std::ops::Range;

use media::{Frame, PixelFormat, Timestamp};
use scene::{Blend, Collection, Item, Scene, TransitionKind};

use crate::files::Uploads;
use crate::filters::Form;
use crate::gpu::{Gpu, Kernel, Layer, Slot, slot};
use crate::place::{Placement, place};
use crate::surface::Surfaces;
use crate::textures::{Shape, Textures, least_level};
use crate::{Before, Passage, Show, transitions};
use chain::{Chain, Input, acts};
use layer::Sampled;

/// How deep scenes are drawn in each other; the document allows no more.
const DEEPEST: usize = scene::MAX_DEPTH;

/// Whom the picture belongs to that was on the canvas when a transition was cut short.
const HELD: u64 = 1;

/// Whom the old scene's picture belongs to while the CPU mixes it with the new one's.
const MIXED: u64 = 2;

/// What is done, in its order. Kept from picture to picture for its space.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// What the steps draw.
    pub(crate) drawn: Vec<Drawn>,
    /// The rectangle of each of them.
    pub(crate) layers: Vec<Layer>,
    /// What the steps' shaders read.
    pub(crate) slots: Vec<Slot>,
    /// What the CPU mixes with the canvas when it has come back, and how much the canvas counts, 0 to 1.
    pub(crate) mixed: Option<(usize, f32)>,
    /// The same of the show before: by what it is kept, and how much the canvas counted.
    before: Option<((u64, u64), f32)>,
    spare: Vec<Vec<Drawn>>,
    forms: Vec<(Form, Option<Bind>)>,
    depth: usize,
}

/// One thing that the device does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Lays pictures on each other.
    Draw {
        onto: Onto,
        run: Range<usize>,
        /// What was there before goes.
        clear: Option<wgpu::Color>,
        /// For what mixes with what lies below in ways that only a shader can.
        backdrop: Option<usize>,
    },
    /// Runs a shader over a whole picture.
    Work {
        kernel: Kernel,
        /// Whether pictures are sampled between their pixels.
        linear: bool,
        slot: usize,
        from: Picture,
        onto: Onto,
        extra: Bind,
        third: Bind,
    },
    /// Keeps what is on the canvas.
    Hold { surface: usize },
}

/// On what a step draws.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Onto {
    Canvas,
    Surface(usize),
}

/// What a step draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Picture {
    /// Of a source, in a form.
    Source { slot: usize, shape: Shape },
    /// One that an earlier step made.
    Surface(usize),
}

/// What else a shader samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bind {
    File(usize),
    Surface(usize),
}

/// How a picture is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) picture: Picture,
    pub(crate) how: How,
    pub(crate) blend: Blend,
    layer: Layer,
}

/// The ways to draw a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Opaque and fitted: copied to this place.
    Copy { to: [u32; 2] },
    /// Upright and opaque.
    Replace { linear: bool },
    /// Upright.
    Blend { linear: bool },
    /// Rotated, or cropped and scaled.
    Smooth,
}

/// What a plan is made of.
pub(crate) struct Parts<'a> {
    pub(crate) gpu: &'a Gpu,
    pub(crate) show: &'a Show<'a>,
    pub(crate) now: Timestamp,
    pub(crate) textures: &'a mut Textures,
    pub(crate) surfaces: &'a mut Surfaces,
    pub(crate) uploads: &'a mut Uploads,
}

/// A board on which a scene is laid.
#[derive(Clone, Copy)]
struct Board {
    onto: Onto,
    size: (u32, u32),
    /// Pixels of the board for each of the scene.
    zoom: [f32; 2],
}

impl Parts<'_> {
    /// Upright pictures are fitted on the CPU.
    fn fits(&self) -> bool {
        !self.gpu.shaders_convert
    }

    fn source(&self, item: &Item) -> Option<&'_ scene::Source> {
        self.show.collection?.source(&item.source)
    }
}

impl Plan {
    /// Decides anew what makes the show's picture. Frames that are drawn are shown to the textures.
    pub(crate) fn make(&mut self, parts: &mut Parts<'_>, canvas: (u32, u32)) {
        self.begin();
        let show = parts.show;
        let board = Board {
            onto: Onto::Canvas,
            size: canvas,
            zoom: [1.0; 2],
        };
        let passage = show.passage.as_ref();
        let before = self.before.take();
        match passage.and_then(|p| Some((p, transitions::way(p.kind, p.far)?))) {
            None => self.whole(parts, show.scene, board),
            Some((passage, _)) if matches!(passage.kind, TransitionKind::Fade(_)) => {
                self.fade(parts, passage, board, before);
            }
            Some((passage, way)) => {
                let before = match passage.before {
                    Before::Still(number) => self.held(parts, board, number, before),
                    Before::Scene(scene) => self.aside(parts, scene, canvas),
                };
                let after = self.aside(parts, show.scene, canvas);
                let shape = match passage.kind {
                    TransitionKind::LumaWipe(wipe) => {
                        let own = show.files.get(&wipe.path);
                        let own = own.and_then(|file| parts.uploads.file(parts.gpu, file));
                        own.unwrap_or_else(|| parts.uploads.shape(parts.gpu, wipe.shape))
                    }
                    _ => parts.uploads.white(parts.gpu),
                };
                let kernel = Kernel::Cross(way.number());
                // Both lie pixel by pixel on the canvas unless they move.
                let moves = matches!(
                    passage.kind,
                    TransitionKind::Slide(_) | TransitionKind::Push(_)
                ) || matches!(passage.before, Before::Still(_));
                self.slots.push(slot(&way));
                self.steps.push(Step::Work {
                    kernel,
                    linear: moves,
                    slot: self.slots.len() - 1,
                    from: Picture::Surface(before),
                    onto: Onto::Canvas,
                    extra: Bind::Surface(after),
                    third: Bind::File(shape),
                });
            }
        }
        if let Some((item, frame)) = show.over {
            let mut list = self.spare.pop().unwrap_or_default();
            self.framed(parts, show.scene, item, frame, board, &mut list);
            self.lay(parts, board, list, None);
        }
        self.end();
    }

    /// The new scene over the old one, more and more of it. On a software adapter both come back, and are mixed on
    /// the way: that costs a fifth of having it sampled and blended. Otherwise what lies on the board already need
    /// not be sampled.
    fn fade(
        &mut self,
        parts: &mut Parts<'_>,
        passage: &Passage<'_>,
        board: Board,
        last: Option<((u64, u64), f32)>,
    ) {
        if let (Before::Scene(scene), true) = (passage.before, passage.far <= 0.0) {
            // A stinger before its cut: nothing of the new scene is to be seen yet.
            return self.whole(parts, scene, board);
        }
        let far = passage.far.clamp(0.0, 1.0);
        if parts.fits() && parts.show.over.is_none() {
            let (before, kept) = match passage.before {
                Before::Still(number) => {
                    let held = self.held(parts, board, number, last);
                    (held, (HELD, number))
                }
                Before::Scene(scene) => {
                    let aside = self.aside(parts, scene, board.size);
                    parts.surfaces.keep(aside, MIXED, 0);
                    (aside, (MIXED, 0))
                }
            };
            self.whole(parts, parts.show.scene, board);
            self.mixed = Some((before, far));
            self.before = Some((kept, far));
            return;
        }
        let after = self.aside(parts, parts.show.scene, board.size);
        let mut list = self.spare.pop().unwrap_or_default();
        let mut clear = None;
        match passage.before {
            Before::Scene(scene) => self.whole(parts, scene, board),
            Before::Still(number) => {
                let held = self.held(parts, board, number, last);
                clear = Some(wgpu::Color::BLACK);
                list.push(all_over(held, board, 1.0));
            }
        }
        list.push(all_over(after, board, far));
        self.lay(parts, board, list, clear);
    }

    /// Decides anew what makes a board of several scenes, each in its box: left, top, width, height.
    pub(crate) fn make_views(
        &mut self,
        parts: &mut Parts<'_>,
        collection: &Collection,
        views: &[(&Scene, [u32; 4])],
        canvas: (u32, u32),
    ) {
        self.begin();
        let mut list = self.spare.pop().unwrap_or_default();
        for (scene, [left, top, width, height]) in views {
            let (across, down) = collection.size_of(scene);
            let surface = parts.surfaces.take(parts.gpu, *width, *height);
            let board = Board {
                onto: Onto::Surface(surface),
                size: (*width, *height),
                zoom: [*width as f32 / across as f32, *height as f32 / down as f32],
            };
            self.whole(parts, scene, board);
            list.push(Drawn {
                picture: Picture::Surface(surface),
                how: How::Replace { linear: false },
                blend: Blend::Normal,
                layer: layer::upright([*left, *top, *width, *height], canvas),
            });
        }
        let board = Board {
            onto: Onto::Canvas,
            size: canvas,
            zoom: [1.0; 2],
        };
        self.lay(parts, board, list, Some(wgpu::Color::BLACK));
        self.end();
    }

    fn begin(&mut self) {
        self.steps.clear();
        self.drawn.clear();
        self.layers.clear();
        self.slots.clear();
        self.mixed = None;
        self.depth = 0;
    }

    fn end(&mut self) {
        self.layers
            .extend(self.drawn.iter().map(|drawn| drawn.layer));
    }

    /// A scene with its filters over black.
    fn whole(&mut self, parts: &mut Parts<'_>, scene: &Scene, board: Board) {
        if !scene.filters.iter().any(|filter| acts(parts, filter)) {
            self.scene(parts, scene, board, wgpu::Color::BLACK);
            return;
        }
        let (width, height) = board.size;
        let inner = parts.surfaces.take(parts.gpu, width, height);
        let below = Board {
            onto: Onto::Surface(inner),
            ..board
        };
        self.scene(parts, scene, below, wgpu::Color::TRANSPARENT);
        let filters = scene.filters.iter().map(|filter| (filter, board.zoom));
        let made = self.chain(
            parts,
            Chain {
                input: Input::surface(inner),
                size: [width, height],
                of: None,
            },
            filters,
        );
        let placed = Placement {
            part: [0.0, 0.0, width as f32, height as f32],
            centre: [width as f32 / 2.0, height as f32 / 2.0],
            size: [width as f32, height as f32],
            rotation: 0.0,
            flip: [false; 2],
        };
        let (how, layer) = layer::chained(&placed, &made, 1.0, board.size);
        let mut list = self.spare.pop().unwrap_or_default();
        list.push(Drawn {
            picture: Picture::Surface(made.surface),
            how,
            blend: Blend::Normal,
            layer,
        });
        self.lay(parts, board, list, Some(wgpu::Color::BLACK));
    }

    /// A scene on a surface of its own.
    fn aside(&mut self, parts: &mut Parts<'_>, scene: &Scene, size: (u32, u32)) -> usize {
        let surface = parts.surfaces.take(parts.gpu, size.0, size.1);
        let board = Board {
            onto: Onto::Surface(surface),
            size,
            zoom: [1.0; 2],
        };
        self.whole(parts, scene, board);
        surface
    }

    /// What was on the canvas when the transition of this number began. What the CPU had mixed with it is laid over
    /// it first.
    fn held(
        &mut self,
        parts: &mut Parts<'_>,
        board: Board,
        number: u64,
        last: Option<((u64, u64), f32)>,
    ) -> usize {
        if let Some(surface) = parts.surfaces.kept(HELD, number) {
            return surface;
        }
        if let Some(((whom, of), far)) = last
            && let Some(under) = parts.surfaces.kept(whom, of)
        {
            let mut list = self.spare.pop().unwrap_or_default();
            list.push(all_over(under, board, 1.0 - far));
            self.lay(parts, board, list, None);
        }
        let (width, height) = board.size;
        let surface = parts.surfaces.take(parts.gpu, width, height);
        parts.surfaces.keep(surface, HELD, number);
        self.steps.push(Step::Hold { surface });
        surface
    }

    fn scene(&mut self, parts: &mut Parts<'_>, scene: &Scene, board: Board, ground: wgpu::Color) {
        if self.depth >= DEEPEST {
            return;
        }
        self.depth += 1;
        let mut list = self.spare.pop().unwrap_or_default();
        let first = covering(parts, scene, board);
        for item in &scene.items[first.unwrap_or(0)..] {
            self.item(parts, scene, item, board, &mut list);
        }
        let clear = if first.is_some() { None } else { Some(ground) };
        self.lay(parts, board, list, clear);
        self.depth -= 1;
    }

    /// Lays pictures on a board, bottom first.
    fn lay(
        &mut self,
        parts: &mut Parts<'_>,
        board: Board,
        mut list: Vec<Drawn>,
        clear: Option<wgpu::Color>,
    ) {
        let start = self.drawn.len();
        self.drawn.append(&mut list);
        self.spare.push(list);
        let run = start..self.drawn.len();
        let backdrop = self.drawn[run.clone()]
            .iter()
            .any(|drawn| by_shader(drawn.blend))
            .then(|| parts.surfaces.take(parts.gpu, board.size.0, board.size.1));
        for drawn in &self.drawn[run.clone()] {
            // What comes after in the plan may draw on it: this step will have used it.
            if let Picture::Surface(surface) = drawn.picture {
                parts.surfaces.give(surface);
            }
        }
        if let Some(backdrop) = backdrop {
            parts.surfaces.give(backdrop);
        }
        self.steps.push(Step::Draw {
            onto: board.onto,
            run,
            clear,
            backdrop,
        });
    }

    fn item(
        &mut self,
        parts: &mut Parts<'_>,
        scene: &Scene,
        item: &Item,
        board: Board,
        list: &mut Vec<Drawn>,
    ) {
        let show = parts.show;
        if let Some(collection) = show.collection
            && let Some(source) = collection.source(&item.source)
            && let Some(inner) = collection.nested(source)
        {
            self.nested(parts, (scene, item), (collection, inner), board, list);
        } else if let Some(frame) = show.frames.get(&item.source) {
            self.framed(parts, scene, item, frame, board, list);
        }
    }

    /// A scene in a scene, drawn as large as it is shown.
    fn nested(
        &mut self,
        parts: &mut Parts<'_>,
        (scene, item): (&Scene, &Item),
        (collection, inner): (&Collection, &Scene),
        board: Board,
        list: &mut Vec<Drawn>,
    ) {
        let (width, height) = collection.size_of(inner);
        let Some(placed) = place(item, width, height, board.zoom) else {
            return;
        };
        if !placed.touches(board.size.0, board.size.1) || std::ptr::eq(scene, inner) {
            return;
        }
        let scale = (placed.size[0] / placed.part[2])
            .max(placed.size[1] / placed.part[3])
            .min(1.0);
        let most = parts.gpu.max_side as f32;
        let side = |side: u32| (side as f32 * scale).ceil().clamp(1.0, most) as u32;
        let size = (side(width), side(height));
        let surface = parts.surfaces.take(parts.gpu, size.0, size.1);
        let below = Board {
            onto: Onto::Surface(surface),
            size,
            zoom: [size.0 as f32 / width as f32, size.1 as f32 / height as f32],
        };
        self.scene(parts, inner, below, wgpu::Color::TRANSPARENT);

        let sampled = Sampled::surface(&placed, size, (width, height));
        let filters = inner
            .filters
            .iter()
            .chain(filters_of(collection.source(&item.source)));
        if !filters
            .chain(&item.filters)
            .any(|filter| acts(parts, filter))
        {
            let how = layer::how(&placed, &sampled, false);
            list.push(Drawn {
                picture: Picture::Surface(surface),
                how,
                blend: item.blend,
                layer: layer::layer(&placed, &sampled, item.opacity.min(1.0), board.size),
            });
            return;
        }
        let input = sampled.input(Picture::Surface(surface), placed.flip);
        self.filtered(parts, (scene, item), &placed, input, inner, board, list);
    }

    /// A source's picture.
    fn framed(
        &mut self,
        parts: &mut Parts<'_>,
        scene: &Scene,
        item: &Item,
        frame: &Frame,
        board: Board,
        list: &mut Vec<Drawn>,
    ) {
        if frame.format() == PixelFormat::Mjpeg {
            return;
        }
        let Some(placed) = place(item, frame.width(), frame.height(), board.zoom) else {
            return;
        };
        let filters = filters_of(parts.source(item)).iter().chain(&item.filters);
        let has_filters = filters.into_iter().any(|filter| acts(parts, filter));
        // What filters add may be seen where the picture itself is not.
        if !has_filters && !placed.touches(board.size.0, board.size.1) {
            return;
        }
        let (slot, solid) = parts.textures.show(&item.source, frame);
        let opaque = solid && item.opacity >= 1.0 && item.blend == Blend::Normal;
        let level = placed.level().max(least_level(frame, parts.gpu.max_side));
        let sampled = Sampled::new(&placed, level, frame);
        let opacity = item.opacity.min(1.0);
        if has_filters {
            let (shape, input) = if parts.fits() {
                let size = work_size(&placed, parts.gpu.max_side);
                let fit = layer::fit_whole(&placed, &sampled, size);
                let shape = Shape::Fitted(fit);
                (shape, Input::whole(Picture::Source { slot, shape }))
            } else {
                let shape = Shape::Level(level);
                (
                    shape,
                    sampled.input(Picture::Source { slot, shape }, placed.flip),
                )
            };
            let stamp = parts.textures.version(slot);
            let input = Input {
                stamp: Some((stamp, shape)),
                ..input
            };
            self.filtered(parts, (scene, item), &placed, input, scene, board, list);
            return;
        }
        let (shape, how, layer) = if parts.fits() && placed.rotation == 0.0 {
            layer::fitted(&placed, &sampled, opacity, opaque, board.size)
        } else {
            let how = layer::how(&placed, &sampled, opaque);
            let layer = layer::layer(&placed, &sampled, opacity, board.size);
            (Shape::Level(level), how, layer)
        };
        list.push(Drawn {
            picture: Picture::Source { slot, shape },
            how,
            blend: item.blend,
            layer,
        });
    }

    /// Whatever an item shows, through the filters on its way. `inner` is the scene that it shows, or
    /// the one that it stands in when it shows a source.
    #[expect(
        clippy::too_many_arguments,
        reason = "each says another thing about one item"
    )]
    fn filtered(
        &mut self,
        parts: &mut Parts<'_>,
        (scene, item): (&Scene, &Item),
        placed: &Placement,
        input: Input,
        inner: &Scene,
        board: Board,
        list: &mut Vec<Drawn>,
    ) {
        let size = work_size(placed, parts.gpu.max_side);
        let shrunk = |axis: usize| size[axis] as f32 / placed.size[axis];
        let here = [board.zoom[0] * shrunk(0), board.zoom[1] * shrunk(1)];
        let own = [0, 1].map(|axis| size[axis] as f32 / placed.part[axis + 2]);
        let of_inner: &[scene::Filter] = if std::ptr::eq(scene, inner) {
            &[]
        } else {
            &inner.filters
        };
        let show = parts.show;
        let of_source = filters_of(show.collection.and_then(|c| c.source(&item.source)));
        let filters = of_inner
            .iter()
            .chain(of_source)
            .map(|filter| (filter, own))
            .chain(item.filters.iter().map(|filter| (filter, here)));
        let of = input.stamp.map(|_| chain::whom(scene, item, board.size));
        let made = self.chain(parts, Chain { input, size, of }, filters);
        let (how, layer) = layer::chained(placed, &made, item.opacity.min(1.0), board.size);
        list.push(Drawn {
            picture: Picture::Surface(made.surface),
            how,
            blend: item.blend,
            layer,
        });
    }
}

/// A surface of the board's size, all over the board.
fn all_over(surface: usize, board: Board, opacity: f32) -> Drawn {
    let (width, height) = board.size;
    let mut layer = layer::upright([0, 0, width, height], board.size);
    layer.turn[2] = opacity;
    Drawn {
        picture: Picture::Surface(surface),
        how: How::Blend { linear: false },
        blend: Blend::Normal,
        layer,
    }
}

/// Whether only a shader that sees what lies below can mix so.
pub(crate) fn by_shader(blend: Blend) -> bool {
    match blend {
        Blend::Normal | Blend::Add | Blend::Screen => false,
        Blend::Multiply | Blend::Lighten | Blend::Darken | Blend::Subtract => true,
    }
}

/// The topmost item that hides all that lies below: this need not be drawn, nor even uploaded.
fn covering(parts: &mut Parts<'_>, scene: &Scene, board: Board) -> Option<usize> {
    let show = parts.show;
    for (index, item) in scene.items.iter().enumerate().rev() {
        let plain = item.blend == Blend::Normal
            && item.opacity >= 1.0
            && !filters_of(parts.source(item))
                .iter()
                .chain(&item.filters)
                .any(|filter| acts(parts, filter));
        let Some(frame) = show.frames.get(&item.source).filter(|_| plain) else {
            continue;
        };
        if frame.format() != PixelFormat::Mjpeg
            && place(item, frame.width(), frame.height(), board.zoom)
                .is_some_and(|placed| placed.covers(board.size.0, board.size.1))
            && parts.textures.show(&item.source, frame).1
        {
            return Some(index);
        }
    }
    None
}

fn filters_of(source: Option<&scene::Source>) -> &[scene::Filter] {
    source.map_or(&[], |source| &source.filters)
}

/// Pixels that filters work on: as the picture is shown, and no more than it has.
fn work_size(placed: &Placement, max_side: u32) -> [u32; 2] {
    [0, 1].map(|axis| {
        let side = placed.size[axis].min(placed.part[axis + 2]).round();
        side.clamp(1.0, max_side as f32) as u32
    })
}
