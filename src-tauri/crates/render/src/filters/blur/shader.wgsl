// One direction of a Gauss bell: thirteen texels by seven samples between them.
@fragment
fn blur(in: At) -> @location(0) vec4<f32> {
    let op = work.ops[0];
    let stride = op.c.xy;
    var sum = textureSampleLevel(picture, samples, in.uv, 0.0) * op.a.x;
    for (var pair = 0; pair < 3; pair++) {
        let weight = select(select(op.a.y, op.a.z, pair == 1), op.a.w, pair == 2);
        let far = stride * select(select(op.b.x, op.b.y, pair == 1), op.b.z, pair == 2);
        sum += (textureSampleLevel(picture, samples, in.uv + far, 0.0)
            + textureSampleLevel(picture, samples, in.uv - far, 0.0)) * weight;
    }
    return sum;
}
