// Draws one picture as a rectangle. Textures hold premultiplied RGBA.

struct Layer {
    @location(0) place: vec4<f32>,   // middle, half size; canvas pixels
    @location(1) turn: vec4<f32>,    // cosine, sine, opacity, feather in pixels
    @location(2) part: vec4<f32>,    // left, top, right, bottom; texture coordinates
    @location(3) limits: vec4<f32>,  // the same, half a texel further in
    @location(4) to_clip: vec4<f32>, // 2 / canvas size, unused
}

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
    @location(1) local: vec2<f32>,
    @location(2) @interpolate(flat) half: vec2<f32>,
    @location(3) @interpolate(flat) limits: vec4<f32>,
    @location(4) @interpolate(flat) opacity_feather: vec2<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32, layer: Layer) -> Corner {
    let unit = vec2<f32>(f32(index & 1u) * 2.0 - 1.0, f32(index >> 1u) * 2.0 - 1.0);
    let half = layer.place.zw;
    let local = unit * (half + layer.turn.w);
    let turned = vec2<f32>(
        local.x * layer.turn.x - local.y * layer.turn.y,
        local.x * layer.turn.y + local.y * layer.turn.x,
    );
    let clip = (layer.place.xy + turned) * layer.to_clip.xy;
    var out: Corner;
    out.position = vec4<f32>(clip.x - 1.0, 1.0 - clip.y, 0.0, 1.0);
    out.uv = mix(layer.part.xy, layer.part.zw, local / half * 0.5 + 0.5);
    out.local = local;
    out.half = half;
    out.limits = layer.limits;
    out.opacity_feather = layer.turn.zw;
    return out;
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var samples: sampler;

// Opaque pictures: nothing below shows through.
@fragment
fn replace(in: Corner) -> @location(0) vec4<f32> {
    return vec4<f32>(textureSampleLevel(picture, samples, in.uv, 0.0).rgb, 1.0);
}

@fragment
fn blend(in: Corner) -> @location(0) vec4<f32> {
    return textureSampleLevel(picture, samples, in.uv, 0.0) * in.opacity_feather.x;
}

// Rotated or cropped pictures: soft edges, and no bleeding in of what was cropped off.
fn softly(in: Corner) -> vec4<f32> {
    let uv = clamp(in.uv, in.limits.xy, in.limits.zw);
    let inside = clamp(in.half + 0.5 - abs(in.local), vec2<f32>(0.0), vec2<f32>(1.0));
    let coverage = select(1.0, inside.x * inside.y, in.opacity_feather.y > 0.0);
    return textureSampleLevel(picture, samples, uv, 0.0) * (in.opacity_feather.x * coverage);
}

@fragment
fn smooth_blend(in: Corner) -> @location(0) vec4<f32> {
    return softly(in);
}

// What lies below, for what mixes with it in ways that blending cannot. Colours that are mixed are straight;
// where one of the two is transparent the other stays as it is (W3C, Compositing and Blending Level 1, 5).
@group(1) @binding(0) var backdrop: texture_2d<f32>;
@group(1) @binding(1) var backdrop_samples: sampler;

struct Two {
    above: vec4<f32>,
    below: vec4<f32>,
    a: vec3<f32>,
    b: vec3<f32>,
}

fn two(in: Corner) -> Two {
    let above = softly(in);
    let below = textureLoad(backdrop, vec2<i32>(in.position.xy), 0);
    return Two(above, below, above.rgb / max(above.a, 0.0001), below.rgb / max(below.a, 0.0001));
}

fn mixed(both: Two, color: vec3<f32>) -> vec4<f32> {
    let rgb = both.above.rgb * (1.0 - both.below.a) + both.below.rgb * (1.0 - both.above.a)
        + color * both.above.a * both.below.a;
    return vec4<f32>(rgb, both.above.a + both.below.a * (1.0 - both.above.a));
}

@fragment
fn multiply(in: Corner) -> @location(0) vec4<f32> {
    let both = two(in);
    return mixed(both, both.a * both.b);
}

@fragment
fn lighten(in: Corner) -> @location(0) vec4<f32> {
    let both = two(in);
    return mixed(both, max(both.a, both.b));
}

@fragment
fn darken(in: Corner) -> @location(0) vec4<f32> {
    let both = two(in);
    return mixed(both, min(both.a, both.b));
}

@fragment
fn subtract(in: Corner) -> @location(0) vec4<f32> {
    let both = two(in);
    return mixed(both, max(both.b - both.a, vec3<f32>(0.0)));
}
