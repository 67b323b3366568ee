fn fade(uv: vec2<f32>) -> vec4<f32> {
    return mix(old(uv), fresh(uv), way.far.x);
}
