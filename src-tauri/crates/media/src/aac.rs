//! AAC: ADTS headers and AudioSpecificConfig.
