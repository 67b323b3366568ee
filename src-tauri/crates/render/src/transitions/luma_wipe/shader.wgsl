fn luma_wipe(uv: vec2<f32>) -> vec4<f32> {
    let shown = textureSampleLevel(shape, shape_samples, uv, 0.0);
    let light = dot(shown.rgb, vec3<f32>(0.2126, 0.7152, 0.0722));
    let level = mix(light, 1.0 - light, way.a.y);
    let soft = max(way.a.x, 0.002);
    // Nothing of the new scene at 0, all of it at 1, however soft.
    let edge = way.far.x * (1.0 + soft);
    return mix(old(uv), fresh(uv), clamp((edge - level) / soft, 0.0, 1.0));
}
