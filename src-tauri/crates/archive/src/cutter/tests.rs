use media::Timestamp;

use super::*;
use crate::testing::{PICTURE, packets, tracks};

fn all(cutter: &mut Cutter, packets: Vec<Packet>) -> Vec<Piece> {
    packets.into_iter().filter_map(|p| cutter.push(p)).collect()
}

#[test]
fn fragments_are_short_and_begin_anew_with_each_keyframe() {
    let start = Timestamp::from_millis(5_000);
    let mut cutter = Cutter::new(&tracks());
    let mut pieces = all(&mut cutter, packets(start, 5));
    pieces.extend(cutter.pause());
    let shape: Vec<(i64, u128, bool)> = pieces
        .iter()
        .map(|p| {
            let since = p.start.offset_from(start) / 1_000_000;
            (since, p.duration.as_millis(), p.keyframe)
        })
        .collect();
    // Pictures come 40 ms apart: half a second is thirteen of them.
    let expect = [
        (0, 520, true),
        (520, 520, false),
        (1_040, 520, false),
        (1_560, 440, false),
        (2_000, 520, true),
        (2_520, 520, false),
        (3_040, 520, false),
        (3_560, 440, false),
        (4_000, 520, true),
        (4_520, 480, false),
    ];
    assert_eq!(shape, expect);
}

#[test]
fn what_comes_before_the_first_keyframe_is_left_out() {
    let start = Timestamp::from_millis(1_000);
    let mut late = packets(start, 4);
    late.retain(|p| p.dts >= start.offset(300_000_000));
    let mut cutter = Cutter::new(&tracks());
    let pieces = all(&mut cutter, late);
    assert_eq!(pieces[0].start, start.offset(2_000_000_000));
    assert!(pieces[0].keyframe);
}

#[test]
fn a_pause_leaves_no_hole() {
    let start = Timestamp::from_millis(1_000);
    let mut cutter = Cutter::new(&tracks());
    let mut pieces = all(&mut cutter, packets(start, 1));
    pieces.extend(cutter.pause());
    let later = Timestamp::from_millis(60_000);
    let next = packets(later, 1);
    let stood = cutter.resume(next[0].dts);
    assert_eq!(stood, Some(start.offset(1_000_000_000)..later));
    pieces.extend(all(&mut cutter, next));
    pieces.extend(cutter.pause());
    let mut file = cutter.head().to_vec();
    for piece in &pieces {
        file.extend_from_slice(&piece.data.join());
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paused.mp4");
    std::fs::write(&path, file).unwrap();
    let times: Vec<i64> = crate::testing::samples(&path)
        .iter()
        .filter(|s| s.track == PICTURE)
        .map(|s| s.dts.millis())
        .collect();
    let steps: Vec<i64> = times.windows(2).map(|t| t[1] - t[0]).collect();
    assert_eq!(times.len(), 50);
    assert!(steps.iter().all(|step| *step == 40), "{steps:?}");
}
