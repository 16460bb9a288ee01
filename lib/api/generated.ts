// Generated from crds/ by `npm run types`. Do not edit.
import type { KubeObject, ObjectMeta } from '../kube/resource.ts';

/**
 * What the live OS found on the Device of the same name. Written by the operator after each collection; owned by the Device.
 */
export interface DeviceInventory extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
collectedAt: string
/**
 * The operation that collected it.
 */
operationID: string
serialNumber: string
manufacturer?: string
model?: string
firmware?: string
architecture?: string
bootMode?: string
cpu?: {
model?: string
sockets?: number
/**
 * Physical cores of all sockets together.
 */
cores?: number
threads?: number
}
memory?: {
/**
 * Quantity: 256Gi.
 */
total?: string
modules?: {
slot?: string
size?: string
type?: string
speedMTs?: number
}[]
}
disks?: {
name?: string
serialNumber?: string
wwn?: string
model?: string
hctl?: string
/**
 * Quantity in bytes or with a suffix.
 */
size?: string
rotational?: boolean
transport?: string
}[]
nics?: {
name?: string
macAddress?: string
speedMbps?: number
linkUp?: boolean
lldp?: {
switchName?: string
port?: string
}
}[]
gpus?: {
model?: string
memory?: string
}[]
bmc?: {
address?: string
macAddress?: string
}
}
}

/**
 * A machine, driven over its BMC and by a live OS booted from the network.
 */
export interface Device extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
bmc: {
/**
 * Where the BMC answers: ipmi://192.0.2.10:623.
 */
address: string
/**
 * Secret in the operator's namespace with the keys username and password; the Site's, where not given.
 */
credentialsRef?: {
name: string
}
}
/**
 * What the machine must report of itself before anything is written to it.
 */
serialNumber?: string
/**
 * The interface that boots from the network, in lower case.
 */
bootMACAddress: string
/**
 * Name of the Site.
 */
site: string
/**
 * Whose machines these are; requests name a pool.
 */
pool?: string
location?: {
rack?: string
unit?: number
}
/**
 * Name of the DeviceType. Must be set before the device can be put away.
 */
deviceType?: string
/**
 * Offer the device to Instances.
 */
putAway?: boolean
/**
 * Which disk the system goes to. Must match exactly one disk; the DeviceType's, where not given.
 */
rootDeviceHints?: {
serialNumber?: string
wwn?: string
/**
 * The whole model string.
 */
model?: string
/**
 * SCSI host:channel:target:lun.
 */
hctl?: string
/**
 * Kernel name without /dev/: sda.
 */
name?: string
rotational?: boolean
minSizeGigabytes?: number
maxSizeGigabytes?: number
}
/**
 * Keeps Instances away that do not tolerate it.
 */
taints?: {
key: string
value?: string
effect: "NoSchedule"
}[]
/**
 * Hands off. While enabled the operator does not touch power, boot order or disks.
 */
maintenance?: {
enabled?: boolean
reason?: string
}
/**
 * The Instance that has this device. Written by the scheduler alone.
 */
claimRef?: {
namespace: string
name: string
uid: string
}
/**
 * Things to do once more. Any new value asks once; status.requests tells the last value handled.
 */
requests?: {
/**
 * Collect the hardware again (only while nobody has the device).
 */
collect?: string
/**
 * Forget the error and try again now.
 */
resetStatus?: string
}
}
status?: {
observedGeneration?: number
phase?: ("Registering" | "Collecting" | "Imported" | "PuttingAway" | "Available" | "InUse" | "Cleaning" | "Removed" | "Maintenance")
phaseSince?: string
/**
 * Where Maintenance goes back to.
 */
phaseBefore?: string
conditions?: {
type: string
status: ("True" | "False" | "Unknown")
observedGeneration?: number
lastTransitionTime: string
reason: string
message: string
}[]
/**
 * What the BMC last said.
 */
power?: {
state?: ("On" | "Off" | "Unknown")
observedAt?: string
}
/**
 * Who answered at the BMC's address.
 */
bmc?: {
manufacturer?: string
product?: string
firmware?: string
protocol?: string
}
/**
 * Which version of the Secret was tried, and which was good. Wrong ones are not tried again before the Secret changes.
 */
credentials?: {
tried?: {
name?: string
resourceVersion?: string
}
good?: {
name?: string
resourceVersion?: string
}
}
/**
 * What is under way. Written before the effect of each step, and after its check.
 */
operation?: {
id: string
kind: string
step: string
index: number
total: number
/**
 * Of this step.
 */
attempt: number
/**
 * Of the whole operation.
 */
round?: number
percent?: number
startedAt: string
stepStartedAt?: string
/**
 * When the step will have taken too long.
 */
deadline?: string
nextAttemptAt?: string
/**
 * For whom.
 */
instanceUID?: string
/**
 * The value of the request that asked for it.
 */
request?: string
/**
 * What it installs, as it was when the operation began.
 */
image?: {
name?: string
sha256?: string
}
/**
 * The network boot under way.
 */
boot?: {
number?: number
/**
 * Which boot of the agent has the session.
 */
nonceHash?: string
/**
 * The disk that the root device hints picked.
 */
diskSerialNumber?: string
/**
 * Every disk that this boot saw.
 */
diskSerialNumbers?: string[]
}
}
error?: {
code: string
message: string
count: number
since: string
/**
 * The step that failed.
 */
step?: string
/**
 * Not tried again before one of its inputs changes or resetStatus is asked for.
 */
permanent?: boolean
/**
 * Digest of what the operation goes by: the specs involved and the version of the Secret.
 */
inputs?: string
}
/**
 * What is on the disk, as far as the operator put it there.
 */
installed?: {
instanceUID?: string
/**
 * namespace/name
 */
instance?: string
image?: string
imageSHA256?: string
diskSerialNumber?: string
at?: string
}
/**
 * The DeviceType that it was put away as.
 */
deviceType?: string
/**
 * Something was written to a disk since all of them were last wiped.
 */
dirty?: boolean
/**
 * Removed, and spec.putAway was seen false since: putting it away again cleans it.
 */
takenDown?: boolean
/**
 * What the installed system last said of itself. Gone when the machine was seen off.
 */
system?: {
instanceUID?: string
bootID?: string
hostname?: string
addresses?: string[]
reportedAt?: string
}
/**
 * The claim that this device is done with; the scheduler may take it away.
 */
releasedClaimUID?: string
/**
 * The claiming Instance's requests that were handled here.
 */
handled?: {
instanceUID?: string
restart?: string
reinstall?: string
resetPassword?: string
resetStatus?: string
}
/**
 * The last value of each of spec.requests that was handled, and how it ended.
 */
requests?: {
collect?: {
value: string
result: ("Running" | "Succeeded" | "Failed" | "Refused")
message?: string
at?: string
}
resetStatus?: {
value: string
result: ("Running" | "Succeeded" | "Failed" | "Refused")
message?: string
at?: string
}
}
/**
 * The last 20 operations, newest last.
 */
history?: {
id: string
kind: string
requestedBy?: string
startedAt: string
endedAt: string
result: ("Succeeded" | "Aborted")
message?: string
}[]
}
}

/**
 * A model of machine. A Device is put away only when the hardware collected on it has everything that its type asks for.
 */
export interface DeviceType extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
/**
 * What a machine of this type has at least.
 */
hardware: {
architecture?: ("x86_64" | "aarch64")
/**
 * Physical cores of all sockets together.
 */
minCores?: number
/**
 * Memory of all modules together.
 */
minMemory?: number | string
/**
 * Kinds of disk that must be there.
 */
disks?: {
count: number
/**
 * Size of each.
 */
minSize?: number | string
/**
 * Only rotating disks (true) or only solid state (false). Either, where not given.
 */
rotational?: boolean
}[]
nics?: {
/**
 * Interfaces with a link.
 */
count?: number
/**
 * Speed of each of these.
 */
minSpeedMbps?: number
}
/**
 * GPUs at least.
 */
gpus?: number
}
/**
 * How machines of this type boot.
 */
bootMode?: ("BIOS" | "UEFI")
/**
 * Names of the Images that may be installed. All that fit, where empty.
 */
allowedImages?: string[]
/**
 * Which disk the system goes to, unless the Device says. Must match exactly one disk.
 */
rootDeviceHints?: {
serialNumber?: string
wwn?: string
/**
 * The whole model string.
 */
model?: string
/**
 * SCSI host:channel:target:lun.
 */
hctl?: string
/**
 * Kernel name without /dev/: sda.
 */
name?: string
rotational?: boolean
minSizeGigabytes?: number
maxSizeGigabytes?: number
}
/**
 * What an Instance on such a machine can offer to Placements. What was collected on the machine, where not given.
 */
vmHost?: {
cpu?: number | string
memory?: number | string
}
}
}

/**
 * An operating system. Its bytes never change under one name; another version is another Image.
 */
export interface Image extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
/**
 * Where the file is; http:// is safe because of the digest.
 */
url: string
/**
 * Digest of the file as downloaded, in lower-case hexadecimal.
 */
sha256: string
format: ("raw" | "qcow2" | "tar")
compression?: ("none" | "gzip" | "zstd" | "xz")
architecture: ("x86_64" | "aarch64")
bootModes: ("BIOS" | "UEFI")[]
/**
 * The user that gets the SSH keys and the password.
 */
defaultUser?: string
}
}

/**
 * An operating system on a device. The scheduler finds the device; the operator installs, starts, stops and at the end wipes it.
 */
export interface Instance extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
/**
 * Take a device of this type.
 */
deviceType?: string
/**
 * Take this device and no other.
 */
deviceName?: string
/**
 * Take a device with these labels.
 */
deviceSelector?: {
matchLabels: {
[k: string]: string | undefined
}
}
/**
 * Take a device of this pool.
 */
pool?: string
/**
 * Take a device of this site.
 */
site?: string
/**
 * Take a device of a site in this region.
 */
region?: string
/**
 * Taints that do not keep this away, as on Pods.
 */
tolerations?: {
/**
 * Every key where empty (with operator Exists).
 */
key?: string
operator?: ("Exists" | "Equal")
value?: string
effect?: "NoSchedule"
}[]
/**
 * Higher ones are served first.
 */
priority?: number
/**
 * Name of the Image. Changing it alone reinstalls nothing; see requests.reinstall.
 */
image: string
/**
 * The Instance's name, where not given.
 */
hostname?: string
/**
 * The power state to keep.
 */
power?: ("On" | "Off")
/**
 * While true, deletion waits.
 */
locked?: boolean
/**
 * Public keys of the image's default user.
 */
sshAuthorizedKeys?: string[]
/**
 * Secret with the key userData, cloud-init user data.
 */
userDataRef?: {
name: string
}
/**
 * Secret with the key password, for the image's default user.
 */
rootPasswordRef?: {
name: string
}
network?: Readonly<Record<string, unknown>>
/**
 * What becomes of the disks on deletion: wiped, or left as they are (the device is then Removed).
 */
releasePolicy?: ("Wipe" | "Keep")
/**
 * Offers the machine to Placements.
 */
vmHost?: {
enabled?: boolean
/**
 * How many times over a resource is handed out.
 */
overcommit?: {
cpu?: number
memory?: number
}
/**
 * Most VMs at a time.
 */
maxPlacements?: number
/**
 * Only for Placements that ask for a dedicated host.
 */
dedicated?: boolean
/**
 * Keeps Placements away that do not tolerate it.
 */
taints?: {
key: string
value?: string
effect: "NoSchedule"
}[]
/**
 * What the host keeps for itself.
 */
reserved?: {
cpu?: number | string
memory?: number | string
}
}
/**
 * Things to do once more. Any new value asks once; status.requests tells the last value handled.
 */
requests?: {
/**
 * Shut down (hard after a grace time) and start.
 */
restart?: string
/**
 * Install spec.image anew. Everything on the system disk is lost.
 */
reinstall?: string
/**
 * Set the password of rootPasswordRef in the installed system; restarts the machine.
 */
resetPassword?: string
/**
 * Forget the error and try again now.
 */
resetStatus?: string
}
}
status?: {
observedGeneration?: number
phase?: ("Pending" | "Creating" | "Running" | "Starting" | "Stopping" | "Stopped" | "Restarting" | "Reinstalling" | "ResettingPassword" | "Deleting" | "Failed")
phaseSince?: string
conditions?: {
type: string
status: ("True" | "False" | "Unknown")
observedGeneration?: number
lastTransitionTime: string
reason: string
message: string
}[]
deviceName?: string
addresses?: string[]
/**
 * What is really installed.
 */
image?: string
/**
 * Of the operation under way.
 */
progress?: {
step?: string
index?: number
total?: number
percent?: number
}
/**
 * What the machine has for Placements, before overcommit and reservation.
 */
capacity?: {
cpu?: string
memory?: string
}
/**
 * The ledger of what Placements have of this host. Written by the scheduler alone, under the Instance's resourceVersion.
 */
allocated?: {
cpu?: string
memory?: string
placements?: number
claims?: {
uid: string
name: string
cpu: string
memory: string
}[]
}
/**
 * The last value of each of spec.requests that was handled, and how it ended.
 */
requests?: {
restart?: {
value: string
result: ("Running" | "Succeeded" | "Failed" | "Refused")
message?: string
at?: string
}
reinstall?: {
value: string
result: ("Running" | "Succeeded" | "Failed" | "Refused")
message?: string
at?: string
}
resetPassword?: {
value: string
result: ("Running" | "Succeeded" | "Failed" | "Refused")
message?: string
at?: string
}
resetStatus?: {
value: string
result: ("Running" | "Succeeded" | "Failed" | "Refused")
message?: string
at?: string
}
}
}
}

/**
 * A virtual machine's place on an instance that hosts VMs. The scheduler binds it; it never moves by itself.
 */
export interface Placement extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
resources: {
/**
 * Virtual CPUs: 4, 500m.
 */
cpu: number | string
/**
 * Memory: 8Gi.
 */
memory: number | string
}
/**
 * Only on hosts of this pool.
 */
pool?: string
/**
 * Only on dedicated hosts; without it, never on one.
 */
dedicated?: boolean
/**
 * Only at this site.
 */
site?: string
/**
 * Only in this region.
 */
region?: string
/**
 * Higher ones are served first.
 */
priority?: number
/**
 * Taints that do not keep this away, as on Pods.
 */
tolerations?: {
/**
 * Every key where empty (with operator Exists).
 */
key?: string
operator?: ("Exists" | "Equal")
value?: string
effect?: "NoSchedule"
}[]
}
status?: {
observedGeneration?: number
phase?: ("Pending" | "Bound" | "Unschedulable")
conditions?: {
type: string
status: ("True" | "False" | "Unknown")
observedGeneration?: number
lastTransitionTime: string
reason: string
message: string
}[]
/**
 * The Instance that hosts the VM.
 */
nodeName?: string
/**
 * The host's first address.
 */
address?: string
deviceName?: string
/**
 * The host's score when it was chosen.
 */
score?: number
}
}

/**
 * A data centre. Devices name their Site; it gives them region, zone, networks and default BMC credentials.
 */
export interface Site extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
spec: {
/**
 * The region that the site belongs to, for scheduling.
 */
region: string
/**
 * The failure domain within the region, for scheduling. The site's own name where none is given.
 */
zone?: string
/**
 * Secret in the operator's namespace with the username and password of BMCs whose Device names none.
 */
bmcCredentialsRef?: {
name: string
}
/**
 * The networks of the site.
 */
networks?: {
/**
 * What Instances call the network.
 */
name: string
/**
 * CIDR: 192.0.2.0/24, 2001:db8::/64.
 */
subnet: string
/**
 * Default gateway.
 */
gateway?: string
/**
 * VLAN id where it is tagged.
 */
vlan?: number
/**
 * The addresses that Instances get, both ends included.
 */
range?: {
start: string
end: string
}
/**
 * Name servers.
 */
dns?: string[]
/**
 * Time servers.
 */
ntp?: string[]
}[]
}
}
