// The table lies in slices of blue beside each other: red across, green down.
fn lut(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    let side = op.a.x;
    let place = clamp((color.rgb - op.b.xyz) * op.c.xyz, vec3<f32>(0.0), vec3<f32>(1.0)) * (side - 1.0);
    let below = floor(place.b);
    let above = min(below + 1.0, side - 1.0);
    let across = (place.r + 0.5) / (side * side);
    let down = (place.g + 0.5) / side;
    let first = textureSampleLevel(extra, extra_samples, vec2<f32>(across + below / side, down), 0.0).rgb;
    let second = textureSampleLevel(extra, extra_samples, vec2<f32>(across + above / side, down), 0.0).rgb;
    return vec4<f32>(mix(color.rgb, mix(first, second, place.b - below), op.a.y), color.a);
}
