// What all filters share. Textures hold premultiplied RGBA; filters of single pixels get straight colours.

struct Op {
    info: vec4<f32>,       // number of the filter, and three values of its own
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
}

struct Work {
    part: vec4<f32>,       // of the picture that lies in the box: left, top, width, height; texture coordinates
    limits: vec4<f32>,     // what of the picture may be seen: left, top, right, bottom
    size: vec4<f32>,       // pixels of the box, how many ops, how it goes round
    inset: vec4<f32>,      // half a texel of the picture; how far it has gone round, in boxes
    ops: array<Op, 1>,
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var samples: sampler;
@group(1) @binding(0) var<uniform> work: Work;
@group(2) @binding(0) var extra: texture_2d<f32>;
@group(2) @binding(1) var extra_samples: sampler;
@group(3) @binding(0) var third: texture_2d<f32>;
@group(3) @binding(1) var third_samples: sampler;

struct At {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> At {
    // One triangle that covers the box.
    let uv = vec2<f32>(f32(index & 1u) * 2.0, f32(index >> 1u) * 2.0);
    return At(vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}

fn luma(rgb: vec3<f32>) -> f32 {
    return dot(rgb, vec3<f32>(0.2126, 0.7152, 0.0722));
}

// The picture at a place of the box; nothing outside of it.
fn seen(uv: vec2<f32>) -> vec4<f32> {
    let at = work.part.xy + uv * work.part.zw;
    let inside = all(at >= work.limits.xy) && all(at <= work.limits.zw);
    let held = clamp(at, work.limits.xy + work.inset.xy, work.limits.zw - work.inset.xy);
    return select(vec4<f32>(0.0), textureSampleLevel(picture, samples, held, 0.0), inside);
}

// From the outline of a box with round corners, in pixels; negative inside.
fn outside(at: vec2<f32>, box: vec2<f32>, radius: f32) -> f32 {
    let bend = min(radius, min(box.x, box.y) * 0.5);
    let from_corner = abs(at - box * 0.5) - box * 0.5 + bend;
    return length(max(from_corner, vec2<f32>(0.0))) + min(max(from_corner.x, from_corner.y), 0.0) - bend;
}
