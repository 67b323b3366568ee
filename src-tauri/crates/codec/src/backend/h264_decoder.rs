//! H.264 by openh264: baseline, main and high, progressive 4:2:0 of 8 bits, B-pictures in display order.

use bytes::Bytes;
use media::{BufferPool, Color, Frame, Packet, PixelFormat, Timestamp, h264};
use openh264::OpenH264API;
use openh264::decoder::{DecoderConfig, Flush};
use openh264_sys2::{DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER, SBufferInfo};

use crate::{Error, decode};

/// Decoded frames that are kept for reuse: what a decoder can hold back, and a few with readers.
const POOL: usize = 8;

pub(crate) struct Decoder {
    inner: openh264::decoder::Decoder,
    sps: Bytes,
    pps: Bytes,
    color: Color,
    /// Nothing is decoded before the first keyframe, and after a flush before the next.
    started: bool,
    annex_b: Vec<u8>,
    pool: BufferPool,
}

impl Decoder {
    pub(crate) fn open(sps: &Bytes, pps: &Bytes) -> Result<Self, Error> {
        let parsed = h264::Sps::parse(sps)?;
        Ok(Self {
            inner: library()?,
            sps: sps.clone(),
            pps: pps.clone(),
            color: parsed.color,
            started: false,
            annex_b: Vec::new(),
            pool: BufferPool::new(POOL),
        })
    }

    /// The packet with start codes, behind the parameter sets when decoding begins with it.
    fn frame_up(&mut self, packet: &Packet) -> Result<(), Error> {
        self.annex_b.clear();
        let mut own_sets = false;
        for nal in h264::avcc(&packet.data) {
            let nal = nal?;
            if h264::NalType::of(nal) == h264::NalType::Sps {
                own_sets = true;
                // A stream may change its colour; one that cannot be read changes nothing.
                if let Ok(sps) = h264::Sps::parse(nal) {
                    self.color = sps.color;
                }
            }
        }
        if packet.keyframe && !own_sets {
            h264::push_annex_b(&mut self.annex_b, &self.sps);
            h264::push_annex_b(&mut self.annex_b, &self.pps);
        }
        h264::avcc_to_annex_b(&packet.data, &mut self.annex_b)?;
        Ok(())
    }

    fn run(&mut self, pts: Timestamp) -> Result<Option<Frame>, Error> {
        let len = i32::try_from(self.annex_b.len()).map_err(|_| Error::TooLarge {
            what: "an H.264 picture",
            limit: "2 GiB".into(),
        })?;
        let mut planes = [std::ptr::null_mut::<u8>(); 3];
        let mut info = SBufferInfo {
            // Carried through reordering, so that each picture comes out with its own time.
            uiInBsTimeStamp: pts.nanos().cast_unsigned(),
            ..SBufferInfo::default()
        };
        // SAFETY: the decoder is initialised; the bitstream is borrowed for the call only and its length
        // is its own; `planes` and `info` are written by the call and outlive it.
        let state = unsafe {
            self.inner.raw_api().decode_frame_no_delay(
                self.annex_b.as_ptr(),
                len,
                planes.as_mut_ptr(),
                &raw mut info,
            )
        };
        if state != 0 {
            return Err(damaged(format!("code {state:#x}")));
        }
        self.copy(planes, &info)
    }

    fn remaining(&mut self) -> usize {
        let mut count: i32 = 0;
        // SAFETY: this option writes one int through the pointer.
        let code = unsafe {
            self.inner.raw_api().get_option(
                DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER,
                (&raw mut count).cast(),
            )
        };
        if code == 0 {
            usize::try_from(count).unwrap_or(0)
        } else {
            0
        }
    }

    /// Copies a picture out of the library's memory, which the next call reuses.
    fn copy(&self, planes: [*mut u8; 3], info: &SBufferInfo) -> Result<Option<Frame>, Error> {
        if info.iBufferStatus != 1 || planes.iter().any(|p| p.is_null()) {
            return Ok(None);
        }
        // SAFETY: with status 1 the library has filled the system-memory member of the union.
        let layout = unsafe { info.UsrData.sSystemBuffer };
        let size = |n: i32| u32::try_from(n).unwrap_or(0);
        let (width, height) = (size(layout.iWidth), size(layout.iHeight));
        if !(1..=Frame::MAX_SIDE).contains(&width) || !(1..=Frame::MAX_SIDE).contains(&height) {
            return Err(damaged(format!("a picture of {width}×{height}")));
        }
        let mut buffer = self
            .pool
            .take(Frame::packed_len(PixelFormat::I420, width, height));
        let mut at = 0;
        for (index, &plane) in planes.iter().enumerate() {
            let (row, rows) = PixelFormat::I420.plane_size(index, width, height);
            let stride = usize::try_from(layout.iStride[index.min(1)]).unwrap_or(0);
            if stride < row {
                return Err(damaged(format!("rows of {stride} bytes for {row} pixels")));
            }
            // SAFETY: the library's plane has `rows` rows, `stride` bytes apart, of at least `row` bytes:
            // its pictures are padded beyond the cropped size it reports.
            let source = unsafe { std::slice::from_raw_parts(plane, stride * (rows - 1) + row) };
            let target = &mut buffer[at..at + row * rows];
            for (to, from) in target.chunks_exact_mut(row).zip(source.chunks(stride)) {
                to.copy_from_slice(&from[..row]);
            }
            at += row * rows;
        }
        let pts = Timestamp::from_nanos(info.uiOutYuvTimeStamp.cast_signed());
        let frame = Frame::packed(
            PixelFormat::I420,
            width,
            height,
            self.color,
            pts,
            buffer.freeze(),
        )?;
        Ok(Some(frame))
    }
}

impl decode::video::Decoder for Decoder {
    fn decode(&mut self, packet: &Packet) -> Result<Vec<Frame>, Error> {
        if !self.started && !packet.keyframe {
            return Ok(Vec::new());
        }
        self.frame_up(packet)?;
        self.started = true;
        Ok(self.run(packet.pts)?.into_iter().collect())
    }

    fn flush(&mut self) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::new();
        // Fewer pictures can come out than are said to be inside, never more.
        for _ in 0..self.remaining() {
            let mut planes = [std::ptr::null_mut::<u8>(); 3];
            let mut info = SBufferInfo::default();
            // SAFETY: as in `run`; flushing reads no input.
            let state = unsafe {
                self.inner
                    .raw_api()
                    .flush_frame(planes.as_mut_ptr(), &raw mut info)
            };
            if state != 0 {
                return Err(damaged(format!("code {state:#x}")));
            }
            frames.extend(self.copy(planes, &info)?);
        }
        // A fresh decoder: the old one would measure the next picture's place against the last one's.
        if self.started {
            self.inner = library()?;
            self.started = false;
        }
        Ok(frames)
    }
}

fn library() -> Result<openh264::decoder::Decoder, Error> {
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    openh264::decoder::Decoder::with_api_config(OpenH264API::from_source(), config).map_err(|e| {
        Error::Library {
            codec: "H.264",
            message: format!("code {}", e.native_code()),
        }
    })
}

fn damaged(message: String) -> Error {
    Error::Damaged {
        codec: "H.264",
        message,
    }
}
