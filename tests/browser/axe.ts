import AxeBuilder from '@axe-core/playwright';
import { type Page, expect } from '@playwright/test';

/** No rule for accessible pages is broken on what is shown now, or on a part of it. */
export async function clean(page: Page, part?: string): Promise<void> {
  // Our pages have no frames of other sites: nothing is to be put together in a page of its own.
  const builder = new AxeBuilder({ page }).setLegacyMode(true);
  const { violations } = await (part === undefined ? builder : builder.include(part))
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`)).toEqual([]);
}
