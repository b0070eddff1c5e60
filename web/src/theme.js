import { element, setText } from './element.js';
import { recall, remember } from './memory.js';

/** @typedef {'auto' | 'light' | 'dark'} Theme */

/** @type {Record<Theme, { next: Theme, text: string, label: string }>} */
const THEMES = {
  auto: { next: 'light', text: 'Auto', label: 'Colours: as the system' },
  light: { next: 'dark', text: 'Light', label: 'Colours: light' },
  dark: { next: 'auto', text: 'Dark', label: 'Colours: dark' },
};

/** Lets the button walk through auto, light and dark, and remembers the choice. */
export function startTheme() {
  const button = element('theme', HTMLButtonElement);
  const text = element('theme-text', HTMLElement);
  const remembered = recall('theme');
  /** @type {Theme} */
  let theme = remembered === 'light' || remembered === 'dark' ? remembered : 'auto';

  const show = () => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    setText(text, THEMES[theme].text);
    button.setAttribute('aria-label', THEMES[theme].label);
    const paper = getComputedStyle(document.documentElement).getPropertyValue('--paper').trim();
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.setAttribute('content', paper);
  };

  button.addEventListener('click', () => {
    theme = THEMES[theme].next;
    remember('theme', theme === 'auto' ? null : theme);
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  show();
}
