fn push(uv: vec2<f32>) -> vec4<f32> {
    let at = uv + way.a.xy * (1.0 - way.far.x);
    if within(at) {
        return fresh(at);
    }
    return old(uv - way.a.xy * way.far.x);
}
