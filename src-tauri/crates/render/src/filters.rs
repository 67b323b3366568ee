//! Filters, as the device runs them.
//!
//! Each stands in a folder of its own: `mod.rs` makes of its parameters what the device needs (its
//! [`Form`]), `shader.wgsl` is what the device does. The tables here are all that else knows of it.
//! Filters that look at one pixel at a time share what fetches it: cropping, scrolling and growing cost them
//! no pass of their own.

mod blur;
mod border;
mod chroma_key;
mod color_correction;
mod crop_pad;
mod luma_key;
mod lut;
mod mask;
mod matte;
mod rounded_corners;
mod scroll;
mod shadow;
mod sharpen;

use bytemuck::{Pod, Zeroable};
use scene::{FilterKind, rgba};

pub use lut::{Cube, CubeError};

pub(crate) use blur::{WIDEST, op as blur_op};
pub(crate) use shadow::op as shadow_op;

/// Filters of single pixels: the function's name and its shader. Their numbers are their places, from 1.
const PIXELS: &[(&str, &str)] = &[
    ("chroma_key", chroma_key::SHADER),
    ("luma_key", luma_key::SHADER),
    ("color_correction", color_correction::SHADER),
    ("lut", lut::SHADER),
    ("mask", mask::SHADER),
    ("matte", matte::SHADER),
    ("rounded_corners", rounded_corners::SHADER),
    ("border", border::SHADER),
];

/// Filters that look around: each an entry point of its own.
const KERNELS: &[&str] = &[blur::SHADER, sharpen::SHADER, shadow::SHADER];

/// Filters of single pixels in one pass. With more than one the shader would have to choose, and that
/// costs a CPU that plays a GPU more than a pass.
pub(crate) const RUN: usize = 1;

/// One filter of a pass, as shaders read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Op {
    /// The filter's number, and three values of its own.
    pub(crate) info: [f32; 4],
    pub(crate) a: [f32; 4],
    pub(crate) b: [f32; 4],
    pub(crate) c: [f32; 4],
}

impl Op {
    fn new(name: &str) -> Self {
        let number = PIXELS.iter().position(|(known, _)| *known == name);
        Self {
            info: [number.map_or(0.0, |at| (at + 1) as f32), 0.0, 0.0, 0.0],
            ..Self::default()
        }
    }
}

/// Where a filter works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Pixels of the box.
    pub(crate) size: [f32; 2],
    /// Of these, how many are one of those that the document counts.
    pub(crate) scale: [f32; 2],
    /// Of the program's time.
    pub(crate) seconds: f64,
}

impl Place {
    fn mean(self) -> f32 {
        (self.scale[0] + self.scale[1]) / 2.0
    }
}

/// What a filter comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// Nothing to be seen.
    Nothing,
    /// A function of a pixel and its place.
    Pixel(Op),
    /// The same, after the box grew by so much: left, top, right, bottom.
    Framed { grow: [f32; 4], op: Op },
    /// The box grows; negative: shrinks.
    Grow([f32; 4]),
    /// The picture goes round. What is gone, in boxes; one round, in boxes.
    Scroll { gone: [f32; 2], round: f32 },
    /// A bell of this deviation in pixels.
    Blur { deviation: f32 },
    /// Away from the neighbours.
    Sharpen { amount: f32 },
    /// A soft copy of the outline, below.
    Shadow {
        grow: [f32; 4],
        offset: [f32; 2],
        deviation: f32,
        color: [f32; 4],
    },
}

/// What a filter comes to at a place. `table` is the colour table that its file holds, when that is there:
/// a filter whose file is not there does nothing.
pub(crate) fn form(kind: &FilterKind, place: Place, table: Option<&Cube>) -> Form {
    match kind {
        FilterKind::ChromaKey(set) => chroma_key::form(set),
        FilterKind::LumaKey(set) => luma_key::form(set),
        FilterKind::ColorCorrection(set) => color_correction::form(set),
        FilterKind::Lut(set) => table.map_or(Form::Nothing, |table| lut::form(set, table)),
        FilterKind::CropPad(set) => crop_pad::form(set, place),
        FilterKind::Blur(set) => blur::form(set, place),
        FilterKind::Sharpen(set) => sharpen::form(set),
        FilterKind::Mask(set) => mask::form(set),
        FilterKind::Matte(set) => matte::form(set, place),
        FilterKind::Scroll(set) => scroll::form(set, place),
        FilterKind::RoundedCorners(set) => rounded_corners::form(set, place),
        FilterKind::Shadow(set) => shadow::form(set, place),
        FilterKind::Border(set) => border::form(set, place),
    }
}

/// The entry points of passes over single pixels, by number: 0 does nothing to them.
pub(crate) fn entries() -> impl Iterator<Item = String> {
    let filters = PIXELS.iter().map(|(name, _)| format!("pixel_{name}"));
    std::iter::once("plain".to_owned()).chain(filters)
}

/// The same for boxes whose pixels are those of the picture.
pub(crate) fn exact_entries() -> impl Iterator<Item = String> {
    let filters = PIXELS.iter().map(|(name, _)| format!("exact_{name}"));
    std::iter::once("exact".to_owned()).chain(filters)
}

/// The shader of all filters.
pub(crate) fn shader() -> String {
    let mut text = String::from(include_str!("filters/prelude.wgsl"));
    for (_, shader) in PIXELS {
        text.push_str(shader);
    }
    text.push_str(
        "
fn place(uv: vec2<f32>) -> vec2<f32> {
    let turn = max(work.size.w, 1.0);
    let gone = (uv + work.inset.zw) / turn;
    return select(uv, (gone - floor(gone)) * turn, work.size.w > 0.0);
}

@fragment
fn plain(in: At) -> @location(0) vec4<f32> {
    return seen(place(in.uv));
}

fn here(in: At) -> vec4<f32> {
    return textureLoad(picture, vec2<i32>(in.position.xy), 0);
}

@fragment
fn exact(in: At) -> @location(0) vec4<f32> {
    return here(in);
}
",
    );
    // One entry point for each: a CPU that plays a GPU does all that stands in a branch, taken or not.
    let sampled = ("pixel", "seen(place(in.uv))");
    for ((kind, stored), (name, _)) in [sampled, ("exact", "here(in)")]
        .into_iter()
        .flat_map(|kind| PIXELS.iter().map(move |filter| (kind, filter)))
    {
        text.push_str(&format!(
            "
@fragment
fn {kind}_{name}(in: At) -> @location(0) vec4<f32> {{
    let stored = {stored};
    let straight = vec4<f32>(stored.rgb / max(stored.a, 0.0001), stored.a);
    let color = {name}(straight, work.ops[0], in.uv * work.size.xy);
    return vec4<f32>(clamp(color.rgb, vec3<f32>(0.0), vec3<f32>(1.0)) * color.a, color.a);
}}
"
        ));
    }
    for kernel in KERNELS {
        text.push_str(kernel);
    }
    text
}

fn switch(on: bool) -> f32 {
    if on { 1.0 } else { 0.0 }
}
