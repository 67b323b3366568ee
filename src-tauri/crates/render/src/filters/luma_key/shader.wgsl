fn luma_key(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    let light = luma(color.rgb);
    let soft = max(op.a.z, 0.0001);
    let kept = smoothstep(op.a.x - soft, op.a.x, light) * (1.0 - smoothstep(op.a.y, op.a.y + soft, light));
    return vec4<f32>(color.rgb, color.a * mix(kept, 1.0 - kept, op.a.w));
}
