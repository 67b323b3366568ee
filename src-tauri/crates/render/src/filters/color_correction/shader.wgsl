fn color_correction(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    // Exposure, temperature, hue and saturation are one matrix.
    var rgb = vec3<f32>(dot(op.b.xyz, color.rgb), dot(op.c.xyz, color.rgb), dot(op.info.yzw, color.rgb));
    rgb = clamp((rgb - 0.5) * op.a.x + 0.5, vec3<f32>(0.0), vec3<f32>(1.0));
    if op.a.y != 1.0 {
        rgb = pow(rgb, vec3<f32>(op.a.y));
    }
    return vec4<f32>(rgb, color.a * op.a.z);
}
