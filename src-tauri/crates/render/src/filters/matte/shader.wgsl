fn matte(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    let shown = luma(seen(at / work.size.xy + op.a.xy).rgb);
    return vec4<f32>(color.rgb, color.a * mix(shown, 1.0 - shown, op.a.z));
}
