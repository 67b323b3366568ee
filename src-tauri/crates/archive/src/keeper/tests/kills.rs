//! A hundred kills of a process that records, at moments that nobody chose.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::finish;

/// How often it is killed.
const KILLS: u32 = 100;

/// Where the process that is killed writes to; it is this test, started again.
const CHILD: &str = "KLIEG_ARCHIVE_KILLED";

/// This test's name, for the process that is killed.
const NAME: &str = "keeper::tests::kills::a_hundred_kills_cost_a_second_at_most";

/// Each part is so long: kills also meet a part that is finished.
const PART: Duration = Duration::from_secs(7);

#[test]
fn a_hundred_kills_cost_a_second_at_most() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return record_for_ever(Path::new(&folder));
    }
    let mut state = 0x2545_f491_u32;
    let mut parts = 0;
    for kill in 0..KILLS {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let dir = tempfile::tempdir().unwrap();
        let said = killed_after(dir.path(), 1 + (state >> 8) % 600);
        let mut played = Vec::new();
        for (number, file) in files(dir.path()).iter().enumerate() {
            // Killed before its first half second was written, it holds nothing, and says so.
            if !holds_something(file) {
                assert!(finish(file).is_err(), "kill {kill}, part {number}");
                continue;
            }
            // As it was left it plays, and finished it holds the same.
            let before = pictures(file);
            let finished = finish(file);
            let finished = finished.unwrap();
            assert_eq!(pictures(file), before, "kill {kill}, part {number}");
            let frames = i64::try_from(before.len()).unwrap();
            let shown = i64::try_from(finished.duration.as_millis()).unwrap();
            assert!(
                (shown - frames * 1_000 / FPS).abs() <= 200,
                "kill {kill}: {shown} ms"
            );
            played.extend(before);
            parts += 1;
        }
        let whole: Vec<u32> = (0..u32::try_from(played.len()).unwrap()).collect();
        assert_eq!(played, whole, "kill {kill}: no picture is lost between");
        let lost = i64::from(said) + 1 - i64::try_from(played.len()).unwrap();
        assert!(
            lost <= FPS,
            "kill {kill}: {lost} of {said} pictures are lost"
        );
    }
    assert!(parts > KILLS, "kills met recordings of several parts");
}

/// Records until it is killed, as fast as the disk takes it, and says each picture that was taken.
fn record_for_ever(folder: &Path) {
    let mut bench = Bench::new(0, 0);
    let path = folder.join("Show.mp4");
    let split = Some(Split::Time(PART));
    bench.worker.handle(Request::Record { path, split });
    for packet in packets(start(), 3_600) {
        let picture = (packet.track == PICTURE).then(|| {
            let data: &[u8] = &packet.data;
            u32::from_be_bytes(data[6..10].try_into().unwrap())
        });
        bench.worker.take(packet);
        if let Some(picture) = picture {
            println!("taken {picture}");
        }
    }
}

/// The last picture that was said to be taken before it was killed.
fn killed_after(folder: &Path, many: u32) -> u32 {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture", "--test-threads", "1"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut last = 0;
    let mut seen = 0;
    let mut line = String::new();
    loop {
        line.clear();
        // What it said before it died is read to the end; a line that was cut off does not count.
        if lines.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        let Some(picture) = line
            .trim()
            .rsplit("taken ")
            .next()
            .and_then(|n| n.parse().ok())
        else {
            continue;
        };
        last = picture;
        seen += 1;
        if seen == many {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "it was killed");
    last
}

/// Whether at least a fragment is whole.
fn holds_something(path: &Path) -> bool {
    let mut file = std::fs::File::open(path).unwrap();
    let len = file.metadata().unwrap().len();
    crate::finish::index(path, &mut file, len).is_ok_and(|(_, samples)| !samples.is_empty())
}

/// The parts, in their order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let numbered = |n: u32| match n {
        1 => folder.join("Show.mp4"),
        n => folder.join(format!("Show ({n}).mp4")),
    };
    (1..)
        .map(numbered)
        .take_while(|path| path.exists())
        .collect()
}
