fn chroma(rgb: vec3<f32>) -> vec2<f32> {
    return vec2<f32>(
        dot(rgb, vec3<f32>(-0.100644, -0.338572, 0.439216)),
        dot(rgb, vec3<f32>(0.439216, -0.398942, -0.040274)),
    );
}

fn chroma_key(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    let key = op.a.xy;
    let strength = max(length(key), 0.05);
    let tint = chroma(color.rgb);
    // 0 at the key's colour, 1 at grey.
    let away = distance(tint, key) / strength;
    let kept = smoothstep(op.a.z, op.a.z + max(op.a.w, 0.001), away);
    let alpha = clamp((kept - op.b.y) / (1.0 - op.b.y), 0.0, 1.0);
    let toward = key / strength;
    let spill = toward * max(dot(tint, toward), 0.0) * op.b.x;
    let clean = color.rgb - vec3<f32>(
        1.792741 * spill.y,
        -0.213249 * spill.x - 0.532909 * spill.y,
        2.112402 * spill.x,
    );
    return vec4<f32>(clamp(clean, vec3<f32>(0.0), vec3<f32>(1.0)), color.a * alpha);
}
