// What all transitions share: the old scene, the new one, a mask, and how far it is.

struct Way {
    far: vec4<f32>,        // 0 to 1; the transition's number
    a: vec4<f32>,
    b: vec4<f32>,
}

@group(0) @binding(0) var before: texture_2d<f32>;
@group(0) @binding(1) var before_samples: sampler;
@group(1) @binding(0) var<uniform> way: Way;
@group(2) @binding(0) var after: texture_2d<f32>;
@group(2) @binding(1) var after_samples: sampler;
@group(3) @binding(0) var shape: texture_2d<f32>;
@group(3) @binding(1) var shape_samples: sampler;

struct At {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> At {
    let uv = vec2<f32>(f32(index & 1u) * 2.0, f32(index >> 1u) * 2.0);
    return At(vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}

fn old(uv: vec2<f32>) -> vec4<f32> {
    return textureSampleLevel(before, before_samples, uv, 0.0);
}

fn fresh(uv: vec2<f32>) -> vec4<f32> {
    return textureSampleLevel(after, after_samples, uv, 0.0);
}

fn within(uv: vec2<f32>) -> bool {
    return all(uv >= vec2<f32>(0.0)) && all(uv < vec2<f32>(1.0));
}
