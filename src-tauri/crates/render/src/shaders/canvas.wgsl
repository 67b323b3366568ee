// Makes I420 (BT.709, limited) of the canvas: each invocation 8 × 2 pixels, so that it writes whole words.

struct Layout {
    size: vec2<u32>,   // of the canvas
    luma_words: u32,   // of a row of Y; a row of U or V has half as many
    u_at: u32,         // first word of U
    v_at: u32,         // first word of V
}

@group(0) @binding(0) var<uniform> to: Layout;
@group(0) @binding(1) var canvas: texture_2d<f32>;
@group(0) @binding(2) var<storage, read_write> planes: array<u32>;

fn pixel(x: u32, y: u32) -> vec3<f32> {
    let at = min(vec2<u32>(x, y), to.size - 1u);
    return textureLoad(canvas, at, 0).rgb * 255.0;
}

fn luma(rgb: vec3<f32>) -> u32 {
    return u32(dot(rgb, vec3<f32>(0.182585882, 0.614230588, 0.062007059)) + 16.5);
}

fn word(bytes: vec4<u32>) -> u32 {
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

@compute @workgroup_size(8, 8)
fn convert(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = id.x * 8u;
    let y = id.y * 2u;
    if x >= to.size.x || y >= to.size.y {
        return;
    }
    var u: vec4<u32>;
    var v: vec4<u32>;
    for (var half = 0u; half < 2u; half++) {
        var above: vec4<u32>;
        var below: vec4<u32>;
        for (var pair = 0u; pair < 2u; pair++) {
            let left = x + half * 4u + pair * 2u;
            let a = pixel(left, y);
            let b = pixel(left + 1u, y);
            let c = pixel(left, y + 1u);
            let d = pixel(left + 1u, y + 1u);
            above[pair * 2u] = luma(a);
            above[pair * 2u + 1u] = luma(b);
            below[pair * 2u] = luma(c);
            below[pair * 2u + 1u] = luma(d);
            let mean = (a + b + c + d) * 0.25;
            u[half * 2u + pair] = u32(dot(mean, vec3<f32>(-0.100643732, -0.338571954, 0.439215686)) + 128.5);
            v[half * 2u + pair] = u32(dot(mean, vec3<f32>(0.439215686, -0.398942163, -0.040273524)) + 128.5);
        }
        planes[y * to.luma_words + id.x * 2u + half] = word(above);
        if y + 1u < to.size.y {
            planes[(y + 1u) * to.luma_words + id.x * 2u + half] = word(below);
        }
    }
    let chroma = id.y * (to.luma_words / 2u) + id.x;
    planes[to.u_at + chroma] = word(u);
    planes[to.v_at + chroma] = word(v);
}
