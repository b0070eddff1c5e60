import { readFile } from 'node:fs/promises';
import { AppError } from '../../server/errors.ts';

/** What `scripts/export/torch_speed.py` measured on this machine: MuseTalk's own loop. */
export interface TorchSpeed {
  /** Name of the GPU, or `CPU, n threads`. */
  readonly device: string;
  readonly isCpu: boolean;
  /** Rows of a latent; other sizes of networks are not comparable. */
  readonly latent: number;
  /** At the batch that was fastest. */
  readonly picturesPerSecond: number;
  /** Operations per second of one big matrix product. */
  readonly matrixFlops: number;
}

/**
 * @throws {AppError} `media_not_found` where there is no such file, `model_invalid` where it holds something else; both say how to make one.
 */
export async function readTorchSpeed(path: string): Promise<TorchSpeed> {
  const advice = 'Make one by python3 scripts/export/torch_speed.py (its README says how).';
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new AppError('media_not_found', `${path}: expected what torch measured, cannot read it. ${advice}`, {
      cause,
    });
  });
  const { format, device, latent, matrix_flops, rows } = parse(text) ?? {};
  const rates = Array.isArray(rows) ? rows.map((row) => Number(row?.frames_per_second)) : [];
  const picturesPerSecond = Math.max(0, ...rates);
  const areNumbers = [latent, matrix_flops, picturesPerSecond].every((n) => Number.isFinite(n) && Number(n) > 0);
  if (format !== 1 || typeof device !== 'string' || !areNumbers) {
    throw new AppError(
      'model_invalid',
      `${path}: expected format 1 with device, latent, matrix_flops and rows. ${advice}`,
    );
  }
  return {
    device,
    isCpu: device.startsWith('CPU'),
    latent: Number(latent),
    picturesPerSecond,
    matrixFlops: Number(matrix_flops),
  };
}

function parse(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
