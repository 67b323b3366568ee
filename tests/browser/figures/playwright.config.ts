import config from '../playwright.config.ts';

/** The figures: no tests, and run by `cargo xtask bench` alone. */
export default { ...config, testDir: '.', testMatch: ['figures.ts', 'guests.ts', 'canvas.ts'] };
