// Away from the mean of the four neighbours.
@fragment
fn sharpen(in: At) -> @location(0) vec4<f32> {
    let op = work.ops[0];
    let middle = textureSampleLevel(picture, samples, in.uv, 0.0);
    let right = vec2<f32>(op.c.x, 0.0);
    let down = vec2<f32>(0.0, op.c.y);
    let around = textureSampleLevel(picture, samples, in.uv + right, 0.0)
        + textureSampleLevel(picture, samples, in.uv - right, 0.0)
        + textureSampleLevel(picture, samples, in.uv + down, 0.0)
        + textureSampleLevel(picture, samples, in.uv - down, 0.0);
    let rgb = middle.rgb + (middle.rgb - around.rgb * 0.25) * op.a.x * 2.0;
    return vec4<f32>(clamp(rgb, vec3<f32>(0.0), vec3<f32>(middle.a)), middle.a);
}
