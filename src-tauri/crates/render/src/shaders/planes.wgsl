// Makes premultiplied RGBA of a source's planes, each pixel the mean of factor × factor pixels.

struct Planes {
    red: vec4<f32>,    // what Y, U and V add to it, and a constant; all in 0 to 1
    green: vec4<f32>,
    blue: vec4<f32>,
    size: vec2<u32>,   // of the source's picture
    kind: u32,         // 0 I420, 1 NV12, 2 YUYV, 3 RGBA, 4 BGRX
    factor: u32,
}

@group(0) @binding(0) var<uniform> planes: Planes;
@group(0) @binding(1) var first: texture_2d<f32>;
@group(0) @binding(2) var second: texture_2d<f32>;
@group(0) @binding(3) var third: texture_2d<f32>;

@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // One triangle that covers the target.
    return vec4<f32>(f32(index & 1u) * 4.0 - 1.0, 1.0 - f32(index >> 1u) * 4.0, 0.0, 1.0);
}

fn stored(at: vec2<u32>) -> vec4<f32> {
    switch planes.kind {
        case 0u: {
            return vec4<f32>(
                textureLoad(first, at, 0).r,
                textureLoad(second, at / 2u, 0).r,
                textureLoad(third, at / 2u, 0).r,
                1.0,
            );
        }
        case 1u: {
            return vec4<f32>(
                textureLoad(first, at, 0).r,
                textureLoad(second, at / 2u, 0).rg,
                1.0,
            );
        }
        case 2u: {
            let pair = textureLoad(first, vec2<u32>(at.x / 2u, at.y), 0);
            return vec4<f32>(select(pair.r, pair.b, (at.x & 1u) == 1u), pair.g, pair.a, 1.0);
        }
        case 3u: {
            let straight = textureLoad(first, at, 0);
            return vec4<f32>(straight.rgb * straight.a, straight.a);
        }
        default: {
            return vec4<f32>(textureLoad(first, at, 0).bgr, 1.0);
        }
    }
}

@fragment
fn convert(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let first_at = vec2<u32>(position.xy) * planes.factor;
    let end = min(first_at + planes.factor, planes.size);
    var sum = vec4<f32>(0.0);
    for (var y = first_at.y; y < end.y; y++) {
        for (var x = first_at.x; x < end.x; x++) {
            sum += stored(vec2<u32>(x, y));
        }
    }
    let count = max((end.x - first_at.x) * (end.y - first_at.y), 1u);
    let mean = sum / f32(count);
    if planes.kind >= 3u {
        return mean;
    }
    // Means in whole steps, as where the CPU converts.
    let yuv = vec4<f32>(floor(mean.rgb * 255.0 + 0.5) / 255.0, 1.0);
    return vec4<f32>(dot(planes.red, yuv), dot(planes.green, yuv), dot(planes.blue, yuv), 1.0);
}
