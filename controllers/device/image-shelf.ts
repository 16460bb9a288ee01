// Which images machines may fetch from the operator: those that an operation under way writes, and nothing else.
import type { Device, Image } from '../../lib/api/generated.ts';
import { type ImageCache, ImageChanged, NoRoom } from '../../lib/images/cache.ts';
import type { Store } from '../../lib/kube/store.ts';
import type { ImageShelf, WantedImage } from '../../lib/provision/api/image-files.ts';

export interface ShelfStores {
  readonly devices: Store<Device>;
  readonly images: Store<Image>;
}

export function imageShelf(cache: ImageCache, { devices, images }: ShelfStores): ImageShelf {
  const urlOf = ({ name, sha256 }: WantedImage): string | undefined => {
    for (const { status } of devices.values()) {
      const { image, step } = status?.operation ?? {};
      if (step !== 'write-image' || image?.name !== name || image.sha256 !== sha256) continue;
      const spec = images.get(name)?.spec;
      if (spec?.sha256 === sha256) return spec.url;
    }
    return undefined;
  };
  return {
    async open(wanted, signal) {
      const url = urlOf(wanted);
      if (url === undefined) return undefined;
      try {
        return await cache.open({ url, sha256: wanted.sha256 }, signal);
      } catch (error) {
        // What has no room here may have some there; what is not what it should be, the agent sees and tells himself.
        if (error instanceof NoRoom || error instanceof ImageChanged) return { elsewhere: url };
        throw error;
      }
    },
  };
}
