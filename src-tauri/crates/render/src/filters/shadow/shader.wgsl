// The picture over its own soft outline.
@fragment
fn shadow(in: At) -> @location(0) vec4<f32> {
    let op = work.ops[0];
    let above = seen(in.uv);
    let at = in.uv - op.c.xy;
    let inside = all(at >= vec2<f32>(0.0)) && all(at <= vec2<f32>(1.0));
    let dark = select(0.0, textureSampleLevel(extra, extra_samples, at, 0.0).a, inside) * op.b.a;
    return above + vec4<f32>(op.b.rgb, 1.0) * dark * (1.0 - above.a);
}
