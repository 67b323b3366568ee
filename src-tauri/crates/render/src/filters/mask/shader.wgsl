fn mask(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    let shown = textureSampleLevel(extra, extra_samples, at / work.size.xy, 0.0);
    let amount = op.a.w;
    if op.a.x == 0.0 {
        let value = select(shown.a, luma(shown.rgb) * shown.a, op.a.y > 0.5);
        let cut = mix(value, 1.0 - value, op.a.z);
        return vec4<f32>(color.rgb, color.a * mix(1.0, cut, amount));
    }
    let there = mix(shown.a, 1.0 - shown.a, op.a.z) * amount;
    if op.a.x == 1.0 {
        return vec4<f32>(mix(color.rgb, shown.rgb, there), color.a);
    }
    if op.a.x == 2.0 {
        return vec4<f32>(min(color.rgb + shown.rgb * there, vec3<f32>(1.0)), color.a);
    }
    return vec4<f32>(mix(color.rgb, color.rgb * shown.rgb, there), color.a);
}
