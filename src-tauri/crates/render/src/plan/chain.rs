//! Filters in their order: runs of those that look at single pixels are one pass, and a picture that
//! stands still is filtered once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use scene::{Filter, Item, Scene};

use super::{Bind, Onto, Parts, Picture, Plan, Step};
use crate::files::File;
use crate::filters::{self, Form, Op, Place, RUN, WIDEST};
use crate::gpu::{Kernel, Work, slot};
use crate::textures::Shape;

/// What goes into a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) picture: Picture,
    /// What of it is shown: left, top, width, height; texture coordinates. Negative where mirrored.
    pub(super) part: [f32; 4],
    /// What of it may be sampled: left, top, right, bottom.
    pub(super) limits: [f32; 4],
    /// Half a texel.
    pub(super) half: [f32; 2],
    /// Tells it from other pictures, where that is known.
    pub(super) stamp: Option<(u64, Shape)>,
}

impl Input {
    /// All of a picture, pixel by pixel.
    pub(super) fn whole(picture: Picture) -> Self {
        Self {
            picture,
            part: WHOLE,
            limits: WHOLE,
            half: [0.0; 2],
            stamp: None,
        }
    }

    pub(super) fn surface(at: usize) -> Self {
        Self::whole(Picture::Surface(at))
    }
}

const WHOLE: [f32; 4] = [0.0, 0.0, 1.0, 1.0];

/// A chain to be made.
pub(super) struct Chain {
    pub(super) input: Input,
    /// Pixels that the filters work on.
    pub(super) size: [u32; 2],
    /// Whose result it is; absent where it changes with every picture.
    pub(super) of: Option<u64>,
}

/// What a chain made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) surface: usize,
    /// Pixels that went in, as they were worked on.
    pub(super) worked: [u32; 2],
    /// The box, in the same pixels.
    pub(super) size: [f32; 2],
    /// How much the box grew: left, top, right, bottom.
    pub(super) grown: [f32; 4],
    /// The surface has a texel for every pixel of the box.
    pub(super) full: bool,
}

/// A pass that is being put together.
#[derive(Clone, Copy)]
struct Run {
    from: Picture,
    part: [f32; 4],
    limits: [f32; 4],
    half: [f32; 2],
    size: [f32; 2],
    ops: [Op; RUN],
    count: usize,
    gone: [f32; 2],
    round: f32,
    extra: Option<Bind>,
    /// The box is not simply the picture.
    touched: bool,
    /// Somebody else needs the picture, too.
    shared: bool,
}

impl Run {
    fn of(from: Picture, size: [f32; 2], half: [f32; 2]) -> Self {
        Self {
            from,
            part: WHOLE,
            limits: WHOLE,
            half,
            size,
            ops: [Op::default(); RUN],
            count: 0,
            gone: [0.0; 2],
            round: 0.0,
            extra: None,
            touched: false,
            shared: false,
        }
    }

    fn grow(&mut self, [left, top, right, bottom]: [f32; 4]) {
        let per = [self.part[2] / self.size[0], self.part[3] / self.size[1]];
        let before = self.size;
        self.size = grown(self.size, [left, top, right, bottom]);
        let more = [self.size[0] - before[0], self.size[1] - before[1]];
        self.part = [
            self.part[0] - left * per[0],
            self.part[1] - top * per[1],
            self.part[2] + more[0] * per[0],
            self.part[3] + more[1] * per[1],
        ];
        self.touched = true;
    }

    fn work(&self) -> Work {
        Work {
            part: self.part,
            limits: self.limits,
            size: [self.size[0], self.size[1], self.count as f32, self.round],
            inset: [self.half[0], self.half[1], self.gone[0], self.gone[1]],
            ops: self.ops,
        }
    }
}

fn grown(size: [f32; 2], [left, top, right, bottom]: [f32; 4]) -> [f32; 2] {
    [
        (size[0] + left + right).max(1.0),
        (size[1] + top + bottom).max(1.0),
    ]
}

/// Tells the results of items from each other.
pub(super) fn whom(scene: &Scene, item: &Item, size: (u32, u32)) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&scene.id, &item.id, size).hash(&mut hasher);
    hasher.finish()
}

impl Plan {
    pub(super) fn chain<'f>(
        &mut self,
        parts: &mut Parts<'_>,
        chain: Chain,
        filters: impl Iterator<Item = (&'f Filter, [f32; 2])>,
    ) -> Made {
        let Chain { input, size, of } = chain;
        let mut made = Made {
            surface: 0,
            worked: size,
            size: size.map(|side| side as f32),
            grown: [0.0; 4],
            full: true,
        };
        let mut forms = std::mem::take(&mut self.forms);
        forms.clear();
        let mut stamp = DefaultHasher::new();
        if let Some((version, shape)) = input.stamp {
            version.hash(&mut stamp);
            hash_shape(shape, &mut stamp);
        }
        hash_floats(&input.part, &mut stamp);
        for (filter, scale) in filters.filter(|(filter, _)| filter.enabled) {
            let place = Place {
                size: made.size,
                scale,
                seconds: parts.now.nanos() as f64 / 1e9,
            };
            let Some((form, extra)) = form(parts, filter, place, &mut stamp) else {
                continue;
            };
            let grow = match form {
                Form::Grow(grow) | Form::Framed { grow, .. } | Form::Shadow { grow, .. } => grow,
                _ => [0.0; 4],
            };
            if !fits(grown(made.size, grow), parts.gpu.max_side) {
                continue;
            }
            made.size = grown(made.size, grow);
            for (sum, more) in made.grown.iter_mut().zip(grow) {
                *sum += more;
            }
            hash_form(&form, &mut stamp);
            forms.push((form, extra));
        }
        made.full = !matches!(forms.last(), Some((Form::Blur { .. }, _)));
        let stamp = stamp.finish();
        let kept = of.and_then(|of| parts.surfaces.kept(of, stamp));
        made.surface = kept.unwrap_or_else(|| {
            let surface = self.run(parts, input, size, &forms);
            if let Some(of) = of {
                parts.surfaces.keep(surface, of, stamp);
            }
            surface
        });
        self.forms = forms;
        made
    }

    fn run(
        &mut self,
        parts: &mut Parts<'_>,
        input: Input,
        size: [u32; 2],
        forms: &[(Form, Option<Bind>)],
    ) -> usize {
        let mut run = Run {
            part: input.part,
            limits: input.limits,
            touched: input.part != WHOLE,
            ..Run::of(input.picture, size.map(|side| side as f32), input.half)
        };
        // A scene that was drawn smaller or larger than it is worked on is sampled first.
        if let Picture::Surface(at) = run.from {
            let surface = parts.surfaces.get(at);
            run.touched |= [surface.width, surface.height] != size;
        }
        for (form, extra) in forms {
            match *form {
                Form::Nothing => {}
                Form::Pixel(op) => self.pixel(parts, &mut run, op, *extra),
                Form::Framed { grow, op } => {
                    self.settle(parts, &mut run);
                    run.grow(grow);
                    self.pixel(parts, &mut run, op, None);
                }
                Form::Grow(grow) => {
                    self.settle(parts, &mut run);
                    run.grow(grow);
                }
                Form::Scroll { gone, round } => {
                    self.settle(parts, &mut run);
                    (run.gone, run.round, run.touched) = (gone, round, true);
                }
                Form::Sharpen { amount } => {
                    self.finish(parts, &mut run);
                    let texel = [1.0 / run.size[0], 1.0 / run.size[1]];
                    let op = Op {
                        a: [amount, 0.0, 0.0, 0.0],
                        c: [texel[0], texel[1], 0.0, 0.0],
                        ..Op::default()
                    };
                    self.kernel(parts, &mut run, Kernel::Sharpen, op, None);
                }
                Form::Blur { deviation } => {
                    self.finish(parts, &mut run);
                    self.soften(parts, &mut run, deviation);
                }
                Form::Shadow {
                    grow,
                    offset,
                    deviation,
                    color,
                } => {
                    self.finish(parts, &mut run);
                    let mut soft = Run {
                        shared: true,
                        ..run
                    };
                    soft.grow(grow);
                    let size = soft.size;
                    self.pass(parts, &mut soft, [size[0] / 2.0, size[1] / 2.0]);
                    self.soften(parts, &mut soft, deviation / 2.0);
                    run.grow(grow);
                    let aside = [offset[0] / size[0], offset[1] / size[1]];
                    let op = filters::shadow_op(color, aside);
                    let extra = match soft.from {
                        Picture::Surface(at) => Some(Bind::Surface(at)),
                        Picture::Source { .. } => None,
                    };
                    self.kernel(parts, &mut run, Kernel::Shadow, op, extra);
                    self.give(parts, soft.from);
                }
            }
        }
        let plain_source = matches!(run.from, Picture::Source { .. });
        // What a blur left smaller stays so: the board samples it as it does.
        let soft = matches!(forms.last(), Some((Form::Blur { .. }, _)));
        if plain_source || (run.touched && !soft) {
            let size = run.size;
            self.pass(parts, &mut run, size);
        }
        match run.from {
            Picture::Surface(at) => at,
            Picture::Source { .. } => 0,
        }
    }

    fn pixel(&mut self, parts: &mut Parts<'_>, run: &mut Run, op: Op, extra: Option<Bind>) {
        let other = extra.is_some() && run.extra.is_some() && run.extra != extra;
        if run.count == RUN || other {
            let size = run.size;
            self.pass(parts, run, size);
        }
        run.ops[run.count] = op;
        run.count += 1;
        run.extra = run.extra.or(extra);
        run.touched = true;
    }

    /// Makes the pass that is being put together, if the box is to change.
    fn settle(&mut self, parts: &mut Parts<'_>, run: &mut Run) {
        if run.count > 0 || run.round > 0.0 {
            let size = run.size;
            self.pass(parts, run, size);
        }
    }

    /// Makes the pass that is being put together, so that the box is simply a picture.
    fn finish(&mut self, parts: &mut Parts<'_>, run: &mut Run) {
        if run.touched {
            let size = run.size;
            self.pass(parts, run, size);
        }
    }

    /// One pass onto a surface of so many texels.
    fn pass(&mut self, parts: &mut Parts<'_>, run: &mut Run, texels: [f32; 2]) {
        let work = run.work();
        let extra = run.extra;
        let number = if run.count > 0 {
            run.ops[0].info[0] as usize
        } else {
            0
        };
        self.work(parts, run, texels, Kernel::Pixels(number), work, extra);
    }

    fn kernel(
        &mut self,
        parts: &mut Parts<'_>,
        run: &mut Run,
        kernel: Kernel,
        op: Op,
        extra: Option<Bind>,
    ) {
        let mut work = run.work();
        work.ops[0] = op;
        let size = run.size;
        self.work(parts, run, size, kernel, work, extra);
    }

    fn work(
        &mut self,
        parts: &mut Parts<'_>,
        run: &mut Run,
        texels: [f32; 2],
        kernel: Kernel,
        work: Work,
        extra: Option<Bind>,
    ) {
        let [width, height] = texels.map(|side| side.ceil().max(1.0) as u32);
        let onto = parts.surfaces.take(parts.gpu, width, height);
        let white = Bind::File(parts.uploads.white(parts.gpu));
        let from = match run.from {
            Picture::Surface(at) => {
                let surface = parts.surfaces.get(at);
                [surface.width, surface.height]
            }
            Picture::Source {
                shape: Shape::Fitted(fit),
                ..
            } => [fit.width, fit.height],
            Picture::Source { .. } => [0, 0],
        };
        let one_to_one = run.part == WHOLE && run.round == 0.0 && from == [width, height];
        let kernel = match kernel {
            Kernel::Pixels(number) if one_to_one && run.limits == WHOLE => Kernel::Exact(number),
            other => other,
        };
        let linear = !matches!(kernel, Kernel::Exact(_));
        self.slots.push(slot(&work));
        self.steps.push(Step::Work {
            kernel,
            linear,
            slot: self.slots.len() - 1,
            from: run.from,
            onto: Onto::Surface(onto),
            extra: extra.unwrap_or(white),
            third: white,
        });
        if !run.shared {
            self.give(parts, run.from);
        }
        let half = [0.5 / width as f32, 0.5 / height as f32];
        let size = run.size;
        *run = Run::of(Picture::Surface(onto), size, half);
        run.touched = [width as f32, height as f32] != size;
    }

    fn give(&self, parts: &mut Parts<'_>, from: Picture) {
        if let Picture::Surface(at) = from {
            parts.surfaces.give(at);
        }
    }

    /// A bell over the picture of a run; wide ones over a halved one.
    fn soften(&mut self, parts: &mut Parts<'_>, run: &mut Run, mut deviation: f32) {
        let size = run.size;
        let mut texels = match run.from {
            Picture::Surface(at) => {
                let surface = parts.surfaces.get(at);
                [surface.width as f32, surface.height as f32]
            }
            Picture::Source { .. } => size,
        };
        while deviation > WIDEST && texels[0].min(texels[1]) >= 2.0 {
            texels = texels.map(|side| (side / 2.0).ceil());
            let work = run.work();
            self.work(parts, run, texels, Kernel::Pixels(0), work, None);
            deviation /= 2.0;
        }
        for direction in [[1.0 / texels[0], 0.0], [0.0, 1.0 / texels[1]]] {
            let mut work = run.work();
            work.ops[0] = filters::blur_op(deviation.clamp(0.2, WIDEST), direction);
            self.work(parts, run, texels, Kernel::Blur, work, None);
        }
    }
}

/// Whether a filter changes anything: one whose file is not there does not, nor one that is set to nothing.
pub(super) fn acts(parts: &Parts<'_>, filter: &Filter) -> bool {
    if !filter.enabled {
        return false;
    }
    match filter.kind.file() {
        Some(name) => parts.show.files.contains_key(name),
        None => {
            let place = Place {
                size: [1.0; 2],
                // Larger than any is shown: what is thin here is nowhere seen.
                scale: [64.0; 2],
                seconds: 0.0,
            };
            filters::form(&filter.kind, place, None) != Form::Nothing
        }
    }
}

/// What a filter comes to, and the file that it samples; `None` where it does nothing.
fn form(
    parts: &mut Parts<'_>,
    filter: &Filter,
    place: Place,
    stamp: &mut DefaultHasher,
) -> Option<(Form, Option<Bind>)> {
    let Some(name) = filter.kind.file() else {
        let form = filters::form(&filter.kind, place, None);
        return (form != Form::Nothing).then_some((form, None));
    };
    let file = parts.show.files.get(name)?;
    let table = match file.as_ref() {
        File::Lut(cube) => Some(cube),
        File::Picture(_) => None,
    };
    if table.is_some() != matches!(filter.kind, scene::FilterKind::Lut(_)) {
        return None;
    }
    let upload = parts.uploads.file(parts.gpu, file)?;
    (Arc::as_ptr(file) as usize).hash(stamp);
    let form = filters::form(&filter.kind, place, table);
    (form != Form::Nothing).then_some((form, Some(Bind::File(upload))))
}

fn fits(size: [f32; 2], most: u32) -> bool {
    size.iter().all(|side| *side <= most as f32)
}

fn hash_floats(values: &[f32], stamp: &mut DefaultHasher) {
    for value in values {
        value.to_bits().hash(stamp);
    }
}

fn hash_shape(shape: Shape, stamp: &mut DefaultHasher) {
    match shape {
        Shape::Level(level) => level.hash(stamp),
        Shape::Fitted(fit) => {
            (fit.level, fit.width, fit.height).hash(stamp);
            hash_floats(&fit.from, stamp);
            hash_floats(&fit.step, stamp);
            hash_floats(&fit.limits, stamp);
        }
    }
}

fn hash_form(form: &Form, stamp: &mut DefaultHasher) {
    let op = |op: &Op, stamp: &mut DefaultHasher| hash_floats(bytemuck::cast_slice(&[*op]), stamp);
    std::mem::discriminant(form).hash(stamp);
    match form {
        Form::Nothing => {}
        Form::Pixel(one) => op(one, stamp),
        Form::Framed { grow, op: one } => {
            hash_floats(grow, stamp);
            op(one, stamp);
        }
        Form::Grow(grow) => hash_floats(grow, stamp),
        Form::Scroll { gone, round } => hash_floats(&[gone[0], gone[1], *round], stamp),
        Form::Blur { deviation } => hash_floats(&[*deviation], stamp),
        Form::Sharpen { amount } => hash_floats(&[*amount], stamp),
        Form::Shadow {
            grow,
            offset,
            deviation,
            color,
        } => {
            hash_floats(grow, stamp);
            hash_floats(offset, stamp);
            hash_floats(&[*deviation], stamp);
            hash_floats(color, stamp);
        }
    }
}
