//! Writes the TypeScript of everything in this crate: `cargo run -p klieg-api --features bindings -- DIR`.
//!
//! `DIR` is emptied of `.ts` files first, so that what no longer exists does not linger. The
//! committed ones live in `ui/src/lib/api/bindings`; they are fresh when a run into an empty
//! folder yields the same files.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use klieg_api::scene::{Control, Described, FilterKind, TransitionKind};
use klieg_api::{
    Act, Channel, Command, Dashboard, DeviceKind, DoctorFacts, DoctorReport, Entry, Event,
    IngestInfo, Level, LogLine, OwnBroadcast, PLATFORMS, Platform, Problem, Show, Trust,
};
use ts_rs::{Config, TS};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).ok_or("which folder? bindings DIR")?;
    let dir = PathBuf::from(dir);
    fs::create_dir_all(&dir)?;
    for old in typescript_in(&dir)? {
        fs::remove_file(old)?;
    }
    // Whole numbers cross as JSON numbers: all of ours stay below 2^53.
    let config = Config::new().with_large_int("number").with_out_dir(&dir);
    Command::export_all(&config)?;
    Event::export_all(&config)?;
    Channel::export_all(&config)?;
    Entry::export_all(&config)?;
    Problem::export_all(&config)?;
    IngestInfo::export_all(&config)?;
    Trust::export_all(&config)?;
    OwnBroadcast::export_all(&config)?;
    Level::export_all(&config)?;
    LogLine::export_all(&config)?;
    Act::export_all(&config)?;
    DoctorFacts::export_all(&config)?;
    DoctorReport::export_all(&config)?;
    Dashboard::export_all(&config)?;
    Show::export_all(&config)?;
    DeviceKind::export_all(&config)?;
    Described::export_all(&config)?;
    Platform::export_all(&config)?;
    let mut index = String::from("// Generated from the crates `api` and `scene`. Do not edit.\n");
    for file in typescript_in(&dir)? {
        if let Some(name) = file.file_stem().and_then(|n| n.to_str()) {
            index.push_str(&format!("export type {{ {name} }} from './{name}';\n"));
        }
    }
    index.push_str("export { FILTERS, TRANSITIONS } from './tables';\n");
    index.push_str("export { PLATFORMS } from './platforms';\n");
    fs::write(dir.join("index.ts"), index)?;
    fs::write(dir.join("tables.ts"), tables())?;
    fs::write(dir.join("platforms.ts"), platforms())?;
    Ok(())
}

/// What the interface offers, and the controls of it.
fn tables() -> String {
    let table = |name: &str, of: &[Described]| {
        let rows: String = of.iter().map(row).collect();
        format!("export const {name}: readonly Described[] = [\n{rows}];\n")
    };
    format!(
        "// Generated from the crate `scene`. Do not edit.\nimport type {{ Described }} from './Described';\n\n{}\n{}",
        table("FILTERS", FilterKind::DESCRIBED),
        table("TRANSITIONS", TransitionKind::DESCRIBED),
    )
}

/// The platforms that destinations are on.
fn platforms() -> String {
    let rows: String = PLATFORMS.iter().map(platform).collect();
    format!(
        "// Generated from the crate `api`. Do not edit.\nimport type {{ Platform }} from './Platform';\n\nexport const PLATFORMS: readonly Platform[] = [\n{rows}];\n"
    )
}

fn platform(one: &Platform) -> String {
    let number = |n: Option<u32>| n.map_or_else(|| "null".to_owned(), |n| n.to_string());
    let servers: String = one
        .servers
        .iter()
        .map(|s| format!("      {{ name: {:?}, url: {:?} }},\n", s.name, s.url))
        .collect();
    let advice: String = one
        .advice
        .iter()
        .map(|a| format!("      {a:?},\n"))
        .collect();
    let protocol = format!("{:?}", one.protocol).to_lowercase();
    let test = one
        .test
        .map_or_else(|| "null".to_owned(), |t| format!("{t:?}"));
    let l = &one.limits;
    format!(
        "  {{\n    id: {:?},\n    name: {:?},\n    protocol: '{protocol}',\n    servers: [\n{servers}    ],\n    example: {:?},\n    key_name: {:?},\n    key_place: {:?},\n    key_page: {:?},\n    secret_address: {},\n    test: {test},\n    test_meaning: {:?},\n    limits: {{ video_bitrate: {}, audio_bitrate: {}, keyframe_seconds: {}, height: {}, fps: {}, secure: {} }},\n    advice: [\n{advice}    ],\n  }},\n",
        one.id,
        one.name,
        one.example,
        one.key_name,
        one.key_place,
        one.key_page,
        one.secret_address,
        one.test_meaning,
        number(l.video_bitrate),
        number(l.audio_bitrate),
        number(l.keyframe_seconds),
        number(l.height),
        number(l.fps),
        l.secure,
    )
}

fn row(one: &Described) -> String {
    let parameters: String = one
        .parameters
        .iter()
        .map(|p| {
            let control = control(&p.control);
            format!(
                "      {{ key: {:?}, name: {:?}, control: {{ {control} }} }},\n",
                p.key, p.name
            )
        })
        .collect();
    format!(
        "  {{\n    kind: {:?},\n    name: {:?},\n    hint: {:?},\n    parameters: [\n{parameters}    ],\n  }},\n",
        one.kind, one.name, one.hint
    )
}

fn control(control: &Control) -> String {
    match control {
        Control::Number {
            min,
            max,
            default,
            step,
            unit,
        } => format!(
            "control: 'number', min: {min}, max: {max}, default: {default}, step: {step}, unit: {unit:?}"
        ),
        Control::Toggle { default } => format!("control: 'toggle', default: {default}"),
        Control::Color { default } => format!("control: 'color', default: {default:?}"),
        Control::File { accepts } => {
            let accepts = format!("{accepts:?}").to_lowercase();
            format!("control: 'file', accepts: '{accepts}'")
        }
        Control::Choice { default, options } => {
            let options: Vec<String> = options
                .iter()
                .map(|(value, name)| format!("[{value:?}, {name:?}]"))
                .collect();
            format!(
                "control: 'choice', default: {default:?}, options: [{}]",
                options.join(", ")
            )
        }
    }
}

/// The `.ts` files of a folder, sorted.
fn typescript_in(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "ts") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
