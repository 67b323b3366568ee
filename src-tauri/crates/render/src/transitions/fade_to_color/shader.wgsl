fn fade_to_color(uv: vec2<f32>) -> vec4<f32> {
    let half = way.far.x * 2.0;
    if half < 1.0 {
        return mix(old(uv), way.a, half);
    }
    return mix(way.a, fresh(uv), half - 1.0);
}
