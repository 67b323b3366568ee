fn rounded_corners(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    return vec4<f32>(color.rgb, color.a * clamp(0.5 - outside(at, work.size.xy, op.a.x), 0.0, 1.0));
}
