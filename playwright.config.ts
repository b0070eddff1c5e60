import { defineConfig } from '@playwright/test';

/** End-to-end tests: the real server, real browsers, and what is seen and heard in them. */
export default defineConfig({
  testDir: 'web/e2e',
  // Real time counts here: tests beside each other would disturb each other's measurements.
  workers: 1,
  timeout: 60_000,
  forbidOnly: true,
  reporter: 'list',
});
