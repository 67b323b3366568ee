fn border(color: vec4<f32>, op: Op, at: vec2<f32>) -> vec4<f32> {
    let width = op.a.xy;
    let outer = outside(at, work.size.xy, op.a.z);
    let inner = outside(at - width, work.size.xy - width * 2.0, max(op.a.z - width.x, 0.0));
    let line = clamp(0.5 - outer, 0.0, 1.0) * clamp(0.5 + inner, 0.0, 1.0) * op.b.a;
    let alpha = line + color.a * (1.0 - line);
    let rgb = (op.b.rgb * line + color.rgb * color.a * (1.0 - line)) / max(alpha, 0.0001);
    return vec4<f32>(rgb, alpha);
}
