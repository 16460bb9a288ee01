// Generated from crds/ by `npm run types`. Do not edit.
import type { KubeObject, ObjectMeta } from '../kube/resource.ts';

/**
 * An IP address that an Instance has of one of its Site's networks. Created before the Instance is told of it, deleted after its Device was seen off and wiped.
 */
export interface Address extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * Which address, and who has it.
 */
spec: {
/**
 * Name of the Site.
 */
site: string
/**
 * Name of the Site's network.
 */
network: string
/**
 * The address.
 */
address: string
/**
 * The Device whose system has it.
 */
deviceName: string
/**
 * The Instance that it is for.
 */
instanceRef: {
/**
 * Its namespace.
 */
namespace: string
/**
 * Its name.
 */
name: string
/**
 * Its uid.
 */
uid: string
}
}
}

/**
 * What a namespace may claim of devices and of hosts. Whatever exceeds it waits until there is room. A quota that is lowered takes nothing from anybody. A namespace may have several; all of them hold.
 */
export interface CapacityQuota extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What is wanted.
 */
spec: {
/**
 * The most that may be claimed, by name: devices (whole ones, by Instances), devices.TYPE (those of one DeviceType), placements, and the resources that Placements ask for: cpu, memory and others. What is not named is not limited.
 */
hard: {
[k: string]: number | string | undefined
}
}
/**
 * What was observed. Written by the scheduler.
 */
status?: {
/**
 * The generation of the spec that this status goes by.
 */
observedGeneration?: number
/**
 * What is true of it, and since when.
 */
conditions?: {
/**
 * What is told about: Ready, Scheduled, Reachable and others.
 */
type: string
/**
 * Whether it is so.
 */
status: ("True" | "False" | "Unknown")
/**
 * The generation of the spec that it was told of.
 */
observedGeneration?: number
/**
 * When the status last changed.
 */
lastTransitionTime: string
/**
 * Why, for machines.
 */
reason: string
/**
 * Why, for people, and what to do.
 */
message: string
}[]
/**
 * What is used of what may be, in one line.
 */
summary?: string
/**
 * What is claimed now, of what spec.hard names.
 */
used?: {
[k: string]: string | undefined
}
/**
 * The ledger of what counts. Written by the scheduler alone, under the resourceVersion, before anything is bound.
 */
claims?: {
/**
 * Whose it is, and for which of its stays in the queue or for which device.
 */
uid: string
/**
 * Kind of whose it is.
 */
kind: ("Instance" | "Placement")
/**
 * Its name.
 */
name: string
/**
 * What it counts, by name.
 */
amounts: {
[k: string]: string | undefined
}
}[]
}
}

/**
 * What hardware was found on the Device of the same name. Written by the operator after each collection; owned by the Device.
 */
export interface DeviceInventory extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What was found.
 */
spec: {
/**
 * When.
 */
collectedAt: string
/**
 * Who found it: the agent in the live OS, or the BMC of an adopted machine, which is not booted for it.
 */
source?: ("Agent" | "BMC")
/**
 * What collected it.
 */
operationID: string
/**
 * What was different from the collection before, such as `disk sdb: serial A → B`.
 */
changes?: string[]
/**
 * Of the machine.
 */
serialNumber: string
/**
 * Who made the machine.
 */
manufacturer?: string
/**
 * Model of the machine.
 */
model?: string
/**
 * Version of its firmware.
 */
firmware?: string
/**
 * Of the processors.
 */
architecture?: string
/**
 * How it booted.
 */
bootMode?: string
/**
 * Processors.
 */
cpu?: {
/**
 * Model.
 */
model?: string
/**
 * How many there are.
 */
sockets?: number
/**
 * Physical cores of all sockets together.
 */
cores?: number
/**
 * Hardware threads of all sockets together.
 */
threads?: number
}
/**
 * Memory.
 */
memory?: {
/**
 * Quantity: 256Gi.
 */
total?: string
/**
 * Memory modules.
 */
modules?: {
/**
 * Where it is plugged in.
 */
slot?: string
/**
 * Its size, a quantity.
 */
size?: string
/**
 * Kind: DDR4, DDR5.
 */
type?: string
/**
 * Speed, in megatransfers a second.
 */
speedMTs?: number
}[]
}
/**
 * Disks.
 */
disks?: {
/**
 * Kernel name, which may change from boot to boot.
 */
name?: string
/**
 * Serial number.
 */
serialNumber?: string
/**
 * World wide name.
 */
wwn?: string
/**
 * Model.
 */
model?: string
/**
 * SCSI host:channel:target:lun.
 */
hctl?: string
/**
 * Quantity in bytes or with a suffix.
 */
size?: string
/**
 * Rotating or solid state.
 */
rotational?: boolean
/**
 * sata, sas, nvme, virtio.
 */
transport?: string
/**
 * Serial number of the RAID controller that keeps the disk for itself.
 */
controller?: string
/**
 * That controller says that it has failed.
 */
failed?: boolean
}[]
/**
 * RAID controllers.
 */
controllers?: {
/**
 * PCI address: 0000:03:00.0.
 */
name?: string
/**
 * Model.
 */
model?: string
/**
 * Serial number.
 */
serialNumber?: string
/**
 * Version of its firmware.
 */
firmware?: string
/**
 * The program that it is driven with.
 */
tool?: string
/**
 * Why it is not driven: then its disks are not known, but for what it makes of them.
 */
problem?: string
}[]
/**
 * Network interfaces.
 */
nics?: {
/**
 * Kernel name.
 */
name?: string
/**
 * MAC address.
 */
macAddress?: string
/**
 * Speed of the link, in Mb/s.
 */
speedMbps?: number
/**
 * Whether it has a link.
 */
linkUp?: boolean
/**
 * The neighbour that it hears.
 */
lldp?: {
/**
 * Name of the switch.
 */
switchName?: string
/**
 * Port of the switch.
 */
port?: string
}
}[]
/**
 * Graphics and compute accelerators.
 */
gpus?: {
/**
 * Model.
 */
model?: string
/**
 * Its memory, a quantity.
 */
memory?: string
}[]
/**
 * The management controller, as the host sees it.
 */
bmc?: {
/**
 * Its IP address.
 */
address?: string
/**
 * Its MAC address.
 */
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
/**
 * What is wanted of the machine.
 */
spec: {
/**
 * The management controller.
 */
bmc: {
/**
 * Where the BMC answers: ipmi://192.0.2.10:623 or redfish://192.0.2.10; redfish+http:// is for tests only.
 */
address: string
/**
 * Secret in the operator's namespace with the keys username and password, and bmcKey where an IPMI BMC has one; the Site's, where not given.
 */
credentialsRef?: {
/**
 * Name of the Secret.
 */
name: string
}
/**
 * Whom to believe that it is this BMC, where it speaks TLS. The system's authorities, where not given.
 */
tls?: {
/**
 * SHA-256 of the one certificate to believe.
 */
fingerprint?: string
/**
 * Believe any. For a network that nobody else is on.
 */
insecure?: boolean
}
}
/**
 * How the live OS comes to the machine.
 */
boot?: {
/**
 * Network: PXE or HTTP boot by DHCP. VirtualMedia: the BMC fetches it as a disc and lends it to the machine; for redfish:// alone. The Site's, where not given.
 */
method?: ("Network" | "VirtualMedia")
/**
 * Address of bootMACAddress while the live OS runs, CIDR: 192.0.2.50/24. DHCP is asked, where not given.
 */
address?: string
/**
 * Router on the way from there to the operator.
 */
gateway?: string
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
/**
 * Where it stands.
 */
location?: {
/**
 * Name of the rack; the scheduler spreads over racks.
 */
rack?: string
/**
 * Lowest rack unit.
 */
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
 * Somebody else runs it, and goes on: its BMC is read, and it is not turned on or off, booted or wiped. Only from the start on; taken back, the device is Removed, with its disks as they are.
 */
adopted?: boolean
/**
 * Which disk the system goes to. Must match exactly one disk; the DeviceType's, where not given.
 */
rootDeviceHints?: {
/**
 * Serial number, as collected.
 */
serialNumber?: string
/**
 * World wide name, as collected.
 */
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
/**
 * Rotating or solid state.
 */
rotational?: boolean
/**
 * Smallest size, in units of 10^9 bytes.
 */
minSizeGigabytes?: number
/**
 * Largest size, in units of 10^9 bytes.
 */
maxSizeGigabytes?: number
}
/**
 * Keeps Instances away that do not tolerate it.
 */
taints?: {
/**
 * Key of the taint.
 */
key: string
/**
 * Value of the taint.
 */
value?: string
/**
 * NoSchedule keeps new ones away.
 */
effect: "NoSchedule"
}[]
/**
 * Hands off. While enabled the operator does not touch power, boot order or disks.
 */
maintenance?: {
/**
 * Whether it is in maintenance.
 */
enabled?: boolean
/**
 * Why, for people.
 */
reason?: string
}
/**
 * The Instance that has this device. Written by the scheduler alone.
 */
claimRef?: {
/**
 * Its namespace.
 */
namespace: string
/**
 * Its name.
 */
name: string
/**
 * Its uid.
 */
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
/**
 * It was mended: offer it again, wiped first.
 */
liftQuarantine?: string
/**
 * Give the BMC's account another password, and write it into the Secret that spec.bmc.credentialsRef names.
 */
rotatePassword?: string
}
}
/**
 * What was observed. Written by the operator.
 */
status?: {
/**
 * The generation of the spec that this status goes by.
 */
observedGeneration?: number
/**
 * Where the device is in its life.
 */
phase?: ("Registering" | "Adopted" | "Collecting" | "Imported" | "PuttingAway" | "Available" | "InUse" | "Cleaning" | "Removed" | "Maintenance")
/**
 * Since when it is in this phase.
 */
phaseSince?: string
/**
 * Where Maintenance goes back to.
 */
phaseBefore?: string
/**
 * What is true of it, and since when.
 */
conditions?: {
/**
 * What is told about: Ready, Scheduled, Reachable and others.
 */
type: string
/**
 * Whether it is so.
 */
status: ("True" | "False" | "Unknown")
/**
 * The generation of the spec that it was told of.
 */
observedGeneration?: number
/**
 * When the status last changed.
 */
lastTransitionTime: string
/**
 * Why, for machines.
 */
reason: string
/**
 * Why, for people, and what to do.
 */
message: string
}[]
/**
 * What the BMC last said.
 */
power?: {
/**
 * On, Off, or Unknown while the BMC does not answer.
 */
state?: ("On" | "Off" | "Unknown")
/**
 * When it was first seen so.
 */
observedAt?: string
}
/**
 * Who answered at the BMC's address.
 */
bmc?: {
/**
 * Its manufacturer.
 */
manufacturer?: string
/**
 * Its product.
 */
product?: string
/**
 * Its firmware version.
 */
firmware?: string
/**
 * The protocol and its version.
 */
protocol?: string
/**
 * Whether it lends the machine a drive.
 */
virtualMedia?: boolean
}
/**
 * Which version of the Secret was tried, and which was good. Wrong ones are not tried again before the Secret changes.
 */
credentials?: {
/**
 * The last that were tried.
 */
tried?: {
/**
 * Name of the Secret.
 */
name?: string
/**
 * Tells one address with its login from another, and nothing of them.
 */
digest?: string
}
/**
 * The last that were accepted.
 */
good?: {
/**
 * Name of the Secret.
 */
name?: string
/**
 * Tells one address with its login from another, and nothing of them.
 */
digest?: string
}
}
/**
 * What is under way. Written before the effect of each step, and after its check.
 */
operation?: {
/**
 * Unique; tasks and logs name it.
 */
id: string
/**
 * Register, Collect, PutAway, Create, Reinstall, Restart and others.
 */
kind: string
/**
 * The step under way.
 */
step: string
/**
 * Number of the step, from 1.
 */
index: number
/**
 * How many steps there are.
 */
total: number
/**
 * Of this step.
 */
attempt: number
/**
 * Of the whole operation.
 */
round?: number
/**
 * Of the whole operation.
 */
percent?: number
/**
 * When the operation began.
 */
startedAt: string
/**
 * When this attempt of the step began.
 */
stepStartedAt?: string
/**
 * When the step will have taken too long.
 */
deadline?: string
/**
 * When it is tried again, after a failure.
 */
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
 * The Instance that it is for, namespace/name; none: it is for the device's own sake.
 */
requestedBy?: string
/**
 * The user whose change asked for it, where that change told.
 */
askedBy?: string
/**
 * When it may end, going by how long such operations took.
 */
expectedEnd?: string
/**
 * What it installs, as it was when the operation began.
 */
image?: {
/**
 * Name of the Image.
 */
name?: string
/**
 * Its digest.
 */
sha256?: string
}
/**
 * The network boot under way.
 */
boot?: {
/**
 * Counts the network boots of this operation.
 */
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
/**
 * Why the operation under way does not get on.
 */
error?: {
/**
 * What failed, for machines.
 */
code: string
/**
 * What was expected and what was seen.
 */
message: string
/**
 * How often in a row.
 */
count: number
/**
 * When it first failed so.
 */
since: string
/**
 * The step that failed.
 */
step?: string
/**
 * What failed again and again, where code is GaveUp.
 */
cause?: string
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
/**
 * For which Instance.
 */
instanceUID?: string
/**
 * namespace/name
 */
instance?: string
/**
 * Name of the Image.
 */
image?: string
/**
 * Digest of the Image.
 */
imageSHA256?: string
/**
 * The disk that it was written to.
 */
diskSerialNumber?: string
/**
 * When it was written.
 */
at?: string
}
/**
 * The DeviceType that it was put away as.
 */
deviceType?: string
/**
 * Which disks each volume of its DeviceType has, chosen when it was put away.
 */
volumes?: {
/**
 * Name of the volume.
 */
name: string
/**
 * Serial numbers of its disks.
 */
disks: string[]
/**
 * Serial number of the RAID controller that they hang on, which puts them together; Linux does where none is given.
 */
controller?: string
/**
 * Of the array that they make up, as long as there is one. A controller gives a single disk as RAID0.
 */
raidLevel?: ("RAID0" | "RAID1" | "RAID5" | "RAID6" | "RAID10")
/**
 * What tells the array from all others, as long as there is one.
 */
arrayID?: string
/**
 * Size of the array.
 */
sizeBytes?: number
/**
 * What it was formatted with, as long as it is.
 */
partitions?: {
/**
 * Unique GUID of the partition: /dev/disk/by-partuuid/ has it.
 */
id: string
/**
 * What is in it.
 */
fileSystem: ("ext4" | "xfs" | "vfat" | "swap")
/**
 * Where the installed system mounts it.
 */
mountPoint?: string
}[]
}[]
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
/**
 * The Instance that it says it is.
 */
instanceUID?: string
/**
 * Another one at every boot.
 */
bootID?: string
/**
 * Its host name.
 */
hostname?: string
/**
 * Its IP addresses.
 */
addresses?: string[]
/**
 * When it last reported in.
 */
reportedAt?: string
}
/**
 * The addresses that its Instance was given of the Site's networks, each an Address of that name. Noted before they are taken, given back when the Device was seen off and wiped.
 */
networks?: {
/**
 * What the Site calls the network.
 */
name: string
/**
 * The address.
 */
address: string
/**
 * Name of the Address.
 */
addressName: string
}[]
/**
 * It failed at an Instance that then went to another Device. It is not offered before requests.liftQuarantine.
 */
quarantine?: {
/**
 * What failed, for machines.
 */
code: string
/**
 * What was expected and what was seen.
 */
message: string
/**
 * Since when.
 */
since: string
/**
 * The operation that failed.
 */
operationID?: string
/**
 * The Instance that went to another.
 */
instanceUID?: string
}
/**
 * How each disk was last wiped, by serial number: the 64 that were wiped last.
 */
wiped?: {
/**
 * Of the disk.
 */
serialNumber: string
/**
 * By the disk's own command, or by writing zeros everywhere.
 */
method: ("nvme-sanitize" | "nvme-format" | "ata-secure-erase" | "overwrite")
/**
 * Size of the disk.
 */
bytes: number
/**
 * How many places were read afterwards and found empty.
 */
samplesVerified: number
/**
 * What was tried before, said that it was done, and had left data.
 */
unverified?: string[]
/**
 * The operation that wiped it.
 */
operationID: string
/**
 * When.
 */
at: string
}[]
/**
 * The claim that this device is done with; the scheduler may take it away.
 */
releasedClaimUID?: string
/**
 * The claiming Instance's requests that were handled here.
 */
handled?: {
/**
 * Of which Instance.
 */
instanceUID?: string
/**
 * The last value of requests.restart.
 */
restart?: string
/**
 * The last value of requests.reinstall.
 */
reinstall?: string
/**
 * The last value of requests.resetPassword.
 */
resetPassword?: string
/**
 * The last value of requests.resetStatus.
 */
resetStatus?: string
/**
 * The last value of power that the machine has come to, where powerDrift is Report.
 */
power?: ("On" | "Off")
}
/**
 * The last value of each of spec.requests that was handled, and how it ended.
 */
requests?: {
/**
 * The last collection that was asked for.
 */
collect?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
/**
 * The last lifting of a quarantine that was asked for.
 */
liftQuarantine?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
/**
 * The last rotation of the BMC's password that was asked for.
 */
rotatePassword?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
/**
 * The last reset of the status that was asked for.
 */
resetStatus?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
}
/**
 * The last 20 operations, newest last.
 */
history?: {
/**
 * The id of the operation.
 */
id: string
/**
 * The kind of operation.
 */
kind: string
/**
 * The Instance that it was for, namespace/name; none: it was for the device's own sake.
 */
requestedBy?: string
/**
 * The user whose change asked for it, where that change told.
 */
askedBy?: string
/**
 * The value of the request that asked for it.
 */
request?: string
/**
 * When it began.
 */
startedAt: string
/**
 * When it ended.
 */
endedAt: string
/**
 * Succeeded, or given up for another one.
 */
result: ("Succeeded" | "Aborted")
/**
 * More about the result.
 */
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
/**
 * What the model is like.
 */
spec: {
/**
 * What a machine of this type has at least.
 */
hardware: {
/**
 * Of the processors.
 */
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
/**
 * How many.
 */
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
/**
 * Network interfaces that must be there.
 */
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
 * What becomes of the disks. The volume root holds the system, all others data. Each gets the smallest disks that suffice, of one kind and at one controller, when a Device is put away. Without volumes the system goes to the one disk that rootDeviceHints match, and the others stay as they are.
 */
volumes?: {
/**
 * Name of the volume: root, or what Instances call it.
 */
name: string
/**
 * How many disks.
 */
disks?: number
/**
 * Size of each disk, at least.
 */
minSize?: number | string
/**
 * Kind of disk: rotating, solid state (NVMe or not), or NVMe alone. Any, where not given.
 */
media?: ("HDD" | "SSD" | "NVMe")
/**
 * How the disks are put together, unless the Instance says. By the RAID controller that they hang on, else by Linux; then root is None or RAID1, as firmware boots nothing else.
 */
raidLevel?: ("None" | "RAID0" | "RAID1" | "RAID5" | "RAID6" | "RAID10")
}[]
/**
 * Which disk the system goes to, unless the Device says. Must match exactly one disk; where there are volumes, those that root may have.
 */
rootDeviceHints?: {
/**
 * Serial number, as collected.
 */
serialNumber?: string
/**
 * World wide name, as collected.
 */
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
/**
 * Rotating or solid state.
 */
rotational?: boolean
/**
 * Smallest size, in units of 10^9 bytes.
 */
minSizeGigabytes?: number
/**
 * Largest size, in units of 10^9 bytes.
 */
maxSizeGigabytes?: number
}
/**
 * What an Instance on such a machine can offer to Placements. What was collected on the machine, where not given.
 */
vmHost?: {
/**
 * CPUs.
 */
cpu?: number | string
/**
 * Memory.
 */
memory?: number | string
}
}
}

/**
 * A machine that booted from the network and is no Device. `bmp adopt` makes one of it; it goes by itself when there is a Device with its MAC address, or a week after it was seen first.
 */
export interface Discovery extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What its firmware said of it. Nobody has checked that.
 */
spec: {
/**
 * The interface that booted from the network.
 */
bootMACAddress: string
/**
 * Its own IP address, where it says one; else from where it asked.
 */
address?: string
/**
 * Of the machine.
 */
serialNumber?: string
/**
 * Who made the machine.
 */
manufacturer?: string
/**
 * Its model.
 */
product?: string
/**
 * Of the machine.
 */
uuid?: string
}
}

/**
 * A machine that hosts VMs and is none of ours, for the Placements of its namespace. Written by hand, or by the operator from a source of nodes.
 */
export interface Host extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What it is, and what it offers.
 */
spec: {
/**
 * Where it is reached.
 */
address?: string
/**
 * Its pool.
 */
pool?: string
/**
 * Its site.
 */
site?: string
/**
 * Its region.
 */
region?: string
/**
 * Its zone.
 */
zone?: string
/**
 * Its rack.
 */
rack?: string
/**
 * What it has: cpu, memory, and others by name.
 */
resources: {
cpu: number | string
memory: number | string
[k: string]: number | string | undefined
}
/**
 * What is kept for others than Placements, by name.
 */
reserved?: {
[k: string]: number | string | undefined
}
/**
 * How many times over a resource is handed out, by name; once, where not given.
 */
overcommit?: {
[k: string]: number | undefined
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
 * It takes nothing new, as a cordoned node.
 */
unschedulable?: boolean
/**
 * Keeps Placements away that do not tolerate it.
 */
taints?: {
/**
 * Key of the taint.
 */
key: string
/**
 * Value of the taint.
 */
value?: string
/**
 * NoSchedule and NoExecute keep new ones away, PreferNoSchedule where there is another.
 */
effect: ("NoSchedule" | "PreferNoSchedule" | "NoExecute")
}[]
}
/**
 * What was observed. Written by the operator.
 */
status?: {
/**
 * The generation of the spec that this status goes by.
 */
observedGeneration?: number
/**
 * What is true of it, and since when.
 */
conditions?: {
/**
 * What is told about: Ready, Scheduled, Reachable and others.
 */
type: string
/**
 * Whether it is so.
 */
status: ("True" | "False" | "Unknown")
/**
 * The generation of the spec that it was told of.
 */
observedGeneration?: number
/**
 * When the status last changed.
 */
lastTransitionTime: string
/**
 * Why, for machines.
 */
reason: string
/**
 * Why, for people, and what to do.
 */
message: string
}[]
/**
 * The ledger of what Placements have of this host. Written by the scheduler alone, under the Host's resourceVersion.
 */
allocated?: {
/**
 * CPUs, all together.
 */
cpu?: string
/**
 * Memory, all together.
 */
memory?: string
/**
 * What else, by name, all together.
 */
others?: {
[k: string]: string | undefined
}
/**
 * How many Placements have a place.
 */
placements?: number
/**
 * What each Placement has.
 */
claims?: {
/**
 * Which Placement, and since when it waited.
 */
uid: string
/**
 * Name of the Placement.
 */
name: string
/**
 * Its CPUs.
 */
cpu: string
/**
 * Its memory.
 */
memory: string
/**
 * What else it has, by name.
 */
others?: {
[k: string]: string | undefined
}
}[]
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
/**
 * Where the operating system is, and what it is.
 */
spec: {
/**
 * Where the file is; http:// is safe because of the digest.
 */
url: string
/**
 * Digest of the file as downloaded, in lower-case hexadecimal.
 */
sha256: string
/**
 * How the file holds the disk: raw and qcow2 images, or a tar of the root file system.
 */
format: ("raw" | "qcow2" | "tar")
/**
 * How the file is compressed.
 */
compression?: ("none" | "gzip" | "zstd" | "xz")
/**
 * Of the machines that it runs on.
 */
architecture: ("x86_64" | "aarch64")
/**
 * In which modes it boots.
 */
bootModes: ("BIOS" | "UEFI")[]
/**
 * The user that gets the SSH keys and the password.
 */
defaultUser?: string
/**
 * Of a tar: what becomes of the disk, in this order, behind the boot loader's own partitions, which come by themselves. One that takes all of it, ext4 at /, where not given.
 */
partitions?: {
/**
 * What is made in it.
 */
fileSystem: ("ext4" | "xfs" | "vfat" | "swap")
/**
 * Its size; the rest of the disk, where not given.
 */
size?: number | string
/**
 * Where the installed system mounts it, by its fstab. Nowhere, where not given.
 */
mountPoint?: string
}[]
/**
 * Of a tar: what its kernel is told beside where its root is.
 */
kernelArguments?: string
}
}

/**
 * An operating system on a device. The scheduler finds the device; the operator installs, starts, stops and at the end wipes it.
 */
export interface Instance extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What is wanted.
 */
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
/**
 * Labels that the Device must have, with these values.
 */
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
/**
 * Equal compares key and value, Exists the key alone.
 */
operator?: ("Exists" | "Equal")
/**
 * Value of the taint, with operator Equal.
 */
value?: string
/**
 * Effect of the taint; every one, where not given.
 */
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
 * What is done when the machine has come to be as power wants it, and is turned on or off by somebody else later: it is set right, or only reported (condition Ready, reason PowerDrifted).
 */
powerDrift?: ("Correct" | "Report")
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
/**
 * Name of the Secret.
 */
name: string
}
/**
 * Secret with the key password, for the image's default user.
 */
rootPasswordRef?: {
/**
 * Name of the Secret.
 */
name: string
}
network?: Readonly<Record<string, unknown>>
/**
 * Networks of the Device's Site of whose ranges it gets an address each. They are kept until the Device is released, and take effect when a system is installed.
 */
networks?: {
/**
 * What the Site calls the network.
 */
name: string
/**
 * Which interface gets the address: of network, or one of the Device's inventory. The one that boots from the network, where not given. Where the Site says a VLAN, the address is on that.
 */
interface?: string
}[]
/**
 * What is made of the volumes that the DeviceType gives: as the type says, where nothing is said here. Takes effect when a system is installed; of data volumes only where all disks are emptied.
 */
volumes?: {
/**
 * Name of the volume, as the DeviceType calls it.
 */
name: string
/**
 * How its disks are put together; as the DeviceType says, where not given. It must be right for as many disks as the volume has.
 */
raidLevel?: ("None" | "RAID0" | "RAID1" | "RAID5" | "RAID6" | "RAID10")
/**
 * Partitions of a data volume, in this order. Without any it is left as it is.
 */
partitions?: {
/**
 * What is made in it.
 */
fileSystem: ("ext4" | "xfs" | "vfat" | "swap")
/**
 * Its size; the rest of the volume, where not given.
 */
size?: number | string
/**
 * Where the installed system mounts it, by its fstab. Nowhere, where not given.
 */
mountPoint?: string
}[]
}[]
/**
 * What a reinstallation empties: the system disk alone, all others staying as they are, or every disk, each wiped first.
 */
reinstallDisks?: ("System" | "All")
/**
 * What becomes of the disks on deletion: wiped, or left as they are (the device is then Removed).
 */
releasePolicy?: ("Wipe" | "Keep")
/**
 * Offers the machine to Placements.
 */
vmHost?: {
/**
 * Whether it hosts VMs.
 */
enabled?: boolean
/**
 * What it offers beside CPUs and memory, by name: gpu, storage and others, in whole units, storage in bytes.
 */
resources?: {
[k: string]: number | string | undefined
}
/**
 * How many times over a resource is handed out, by name: cpu, memory and others; once, where not given.
 */
overcommit?: {
[k: string]: number | undefined
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
 * How long a release or a reinstallation waits until all Placements have moved to other hosts: as long as it takes, where not given; 0 does not wait.
 */
drainSeconds?: number
/**
 * Keeps Placements away that do not tolerate it.
 */
taints?: {
/**
 * Key of the taint.
 */
key: string
/**
 * Value of the taint.
 */
value?: string
/**
 * NoSchedule keeps new ones away.
 */
effect: "NoSchedule"
}[]
/**
 * What the host keeps for itself, by name: cpu, memory and others.
 */
reserved?: {
[k: string]: number | string | undefined
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
 * Install spec.image anew. Everything on the system disk is lost, and on the others too where spec.reinstallDisks is All.
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
/**
 * What was observed. Written by the operator.
 */
status?: {
/**
 * The generation of the spec that this status goes by.
 */
observedGeneration?: number
/**
 * Where the instance is in its life.
 */
phase?: ("Pending" | "Creating" | "Running" | "Starting" | "Stopping" | "Stopped" | "Restarting" | "Reinstalling" | "ResettingPassword" | "Deleting" | "Failed")
/**
 * Since when it is in this phase.
 */
phaseSince?: string
/**
 * What is true of it, and since when.
 */
conditions?: {
/**
 * What is told about: Ready, Scheduled, Reachable and others.
 */
type: string
/**
 * Whether it is so.
 */
status: ("True" | "False" | "Unknown")
/**
 * The generation of the spec that it was told of.
 */
observedGeneration?: number
/**
 * When the status last changed.
 */
lastTransitionTime: string
/**
 * Why, for machines.
 */
reason: string
/**
 * Why, for people, and what to do.
 */
message: string
}[]
/**
 * The Device that it runs on.
 */
deviceName?: string
/**
 * What the installed system says that its addresses are.
 */
addresses?: string[]
/**
 * The addresses that it was given of its Site's networks.
 */
networks?: {
/**
 * What the Site calls the network.
 */
name: string
/**
 * The address.
 */
address: string
}[]
/**
 * What is really installed.
 */
image?: string
/**
 * Of the operation under way.
 */
progress?: {
/**
 * The step under way.
 */
step?: string
/**
 * Number of the step, from 1.
 */
index?: number
/**
 * How many steps there are.
 */
total?: number
/**
 * Of the whole operation.
 */
percent?: number
/**
 * When it may end, going by how long such operations took.
 */
expectedEnd?: string
}
/**
 * What the machine has for Placements, before overcommit and reservation.
 */
capacity?: {
/**
 * CPUs.
 */
cpu?: string
/**
 * Memory.
 */
memory?: string
}
/**
 * How far its Placements have left the machine, while they have to.
 */
drain?: {
/**
 * What they leave for.
 */
for: ("Release" | "Reinstall" | "Maintenance")
/**
 * How many there were to move.
 */
of: number
/**
 * How many are left.
 */
left: number
/**
 * Since when they are moved.
 */
since: string
}
/**
 * The ledger of what Placements have of this host. Written by the scheduler alone, under the Instance's resourceVersion.
 */
allocated?: {
/**
 * CPUs, all together.
 */
cpu?: string
/**
 * Memory, all together.
 */
memory?: string
/**
 * What else, by name, all together.
 */
others?: {
[k: string]: string | undefined
}
/**
 * How many Placements have a place.
 */
placements?: number
/**
 * What each Placement has.
 */
claims?: {
/**
 * Which Placement, and since when it waited.
 */
uid: string
/**
 * Name of the Placement.
 */
name: string
/**
 * Its CPUs.
 */
cpu: string
/**
 * Its memory.
 */
memory: string
/**
 * What else it has, by name.
 */
others?: {
[k: string]: string | undefined
}
}[]
}
/**
 * The last value of each of spec.requests that was handled, and how it ended.
 */
requests?: {
/**
 * The last restart that was asked for.
 */
restart?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
/**
 * The last reinstallation that was asked for.
 */
reinstall?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
/**
 * The last reset of the password that was asked for.
 */
resetPassword?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
/**
 * The last reset of the status that was asked for.
 */
resetStatus?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Failed" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
}
}
}

/**
 * A virtual machine's place on an instance that hosts VMs. The scheduler binds it. It moves only off a host in maintenance, when its group allows it, to make room for a higher priority, or where requests.move asks for it.
 */
export interface Placement extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What is wanted.
 */
spec: {
/**
 * What the VM needs: cpu (4, 500m), memory (8Gi), and whatever else hosts offer by name, such as gpu or storage.
 */
resources: {
cpu: number | string
memory: number | string
[k: string]: number | string | undefined
}
/**
 * Holds room and runs nothing: it is placed and counted as any other, until a Placement takes its room up.
 */
reservation?: boolean
/**
 * Takes up the room of this reservation of the namespace, on its host: it waits until that has room, and where another took it up, for good. What it asks for beyond the reservation must fit beside it. Once it has had that place, it is placed as any other.
 */
from?: string
/**
 * Only on hosts of this pool.
 */
pool?: string
/**
 * How its host is chosen: a profile of the scheduler's configuration. That of its pool, or else default, where not given.
 */
profile?: string
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
 * Only in this zone.
 */
zone?: string
/**
 * Only on hosts with these labels.
 */
nodeSelector?: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
/**
 * On hosts with some labels rather than on others; nodeSelector says which it must be.
 */
nodeAffinity?: {
/**
 * What is better.
 */
preferred?: {
/**
 * How much better.
 */
weight: number
/**
 * Labels of hosts that are better.
 */
preference: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
}[]
}
/**
 * Near others: in places that have Placements of the namespace that match.
 */
affinity?: {
/**
 * What decides where it may go; all of them must hold.
 */
required?: {
/**
 * What counts as one place: node, rack, zone, site, region, or a label key of hosts.
 */
topologyKey: string
/**
 * Which Placements of the namespace are meant.
 */
selector: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
}[]
/**
 * What is better.
 */
preferred?: {
/**
 * How much better.
 */
weight: number
/**
 * Where it is better.
 */
term: {
/**
 * What counts as one place: node, rack, zone, site, region, or a label key of hosts.
 */
topologyKey: string
/**
 * Which Placements of the namespace are meant.
 */
selector: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
}
}[]
}
/**
 * Away from others: in places that have none that match. What is required keeps later ones away, too.
 */
antiAffinity?: {
/**
 * What decides where it may go; all of them must hold.
 */
required?: {
/**
 * What counts as one place: node, rack, zone, site, region, or a label key of hosts.
 */
topologyKey: string
/**
 * Which Placements of the namespace are meant.
 */
selector: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
}[]
/**
 * What is better.
 */
preferred?: {
/**
 * How much better.
 */
weight: number
/**
 * Where it is better.
 */
term: {
/**
 * What counts as one place: node, rack, zone, site, region, or a label key of hosts.
 */
topologyKey: string
/**
 * Which Placements of the namespace are meant.
 */
selector: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
}
}[]
}
/**
 * Evenly over places. Counted are the members of its group, or all Placements of the namespace, where there is no selector.
 */
spread?: {
/**
 * What counts as one place: node, rack, zone, site, region, or a label key of hosts.
 */
topologyKey: string
/**
 * How many more than in the emptiest place there may be.
 */
maxSkew: number
/**
 * Whether it must be so or is only better.
 */
whenUnsatisfiable: ("DoNotSchedule" | "ScheduleAnyway")
/**
 * Which Placements of the namespace are counted.
 */
selector?: {
/**
 * Labels that must have these values.
 */
matchLabels?: {
[k: string]: string | undefined
}
/**
 * Requirements, all of which must hold.
 */
matchExpressions?: {
/**
 * Key of the label.
 */
key: string
/**
 * How the label is compared.
 */
operator: ("In" | "NotIn" | "Exists" | "DoesNotExist")
/**
 * Values to compare with, for In and NotIn.
 */
values?: string[]
}[]
}
}[]
/**
 * Which others it belongs to.
 */
group?: {
/**
 * Name of the group, within the namespace.
 */
name: string
/**
 * How many members it has.
 */
size: number
/**
 * All members get a place at the same time, or none does. The operator waits until as many as size are there.
 */
gang?: boolean
/**
 * How many members may be without a place at a time: none for the sake of others, and one while their host is drained, where not given; 0 lets none move.
 */
maxUnavailable?: number
}
/**
 * Higher ones are served first, and take the place of lower ones where there is no other.
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
/**
 * Equal compares key and value, Exists the key alone.
 */
operator?: ("Exists" | "Equal")
/**
 * Value of the taint, with operator Equal.
 */
value?: string
/**
 * Effect of the taint; every one, where not given.
 */
effect?: "NoSchedule"
}[]
/**
 * Things to do once more. Any new value asks once; status.requests tells the last value handled.
 */
requests?: {
/**
 * Move to this host: an Instance's name, or host/NAME for a Host, with @ANYTHING to ask for the same host again. Refused where it has no room, or where the group cannot miss a member.
 */
move?: string
}
}
/**
 * What was observed. Written by the operator.
 */
status?: {
/**
 * The generation of the spec that this status goes by.
 */
observedGeneration?: number
/**
 * Whether the VM has its place; of a reservation, whether its room is held or was taken up.
 */
phase?: ("Pending" | "Bound" | "Unschedulable" | "Reserved" | "Redeemed")
/**
 * What is true of it, and since when.
 */
conditions?: {
/**
 * What is told about: Ready, Scheduled, Reachable and others.
 */
type: string
/**
 * Whether it is so.
 */
status: ("True" | "False" | "Unknown")
/**
 * The generation of the spec that it was told of.
 */
observedGeneration?: number
/**
 * When the status last changed.
 */
lastTransitionTime: string
/**
 * Why, for machines.
 */
reason: string
/**
 * Why, for people, and what to do.
 */
message: string
}[]
/**
 * The Instance or Host that hosts the VM.
 */
nodeName?: string
/**
 * Which of the two: an Instance, where not given.
 */
nodeKind?: ("Instance" | "Host")
/**
 * The host's first address.
 */
address?: string
/**
 * The reservation whose room it is to have.
 */
from?: {
/**
 * The name of the reservation.
 */
name: string
/**
 * The uid of the reservation.
 */
uid: string
/**
 * Whether it has taken the room up.
 */
taken?: boolean
}
/**
 * Who takes up the room of this reservation. Never changes.
 */
redeemedBy?: {
/**
 * The name of the Placement.
 */
name: string
/**
 * The uid of the Placement.
 */
uid: string
}
/**
 * The Device that the host runs on.
 */
deviceName?: string
/**
 * The host's score when it was chosen.
 */
score?: number
/**
 * The last value of each of spec.requests that was handled, and how it ended.
 */
requests?: {
/**
 * The last move that was asked for.
 */
move?: {
/**
 * The value that asked for it.
 */
value: string
/**
 * Running, or how it ended.
 */
result: ("Running" | "Succeeded" | "Refused")
/**
 * More about the result.
 */
message?: string
/**
 * When the result was noted.
 */
at?: string
}
}
}
}

/**
 * A data centre. Devices name their Site; it gives them region, zone, networks and default BMC credentials.
 */
export interface Site extends KubeObject {
apiVersion: string
kind: string
metadata: ObjectMeta
/**
 * What the data centre is like.
 */
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
/**
 * Name of the Secret.
 */
name: string
}
/**
 * How the live OS comes to the machines, where their Devices do not say.
 */
boot?: {
/**
 * VirtualMedia where a machine's BMC offers it, over the network else.
 */
method?: ("Network" | "VirtualMedia")
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
/**
 * The first address.
 */
start: string
/**
 * The last address.
 */
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
/**
 * Machines boot from this network by the operator's DHCP server, where it has one. Without it, by the site's own, which leads them to the operator's boot address.
 */
boot?: {
/**
 * The addresses that machines have while the live OS runs, both ends included: of the subnet, and not of the Instances' range.
 */
range: {
/**
 * The first address.
 */
start: string
/**
 * The last address.
 */
end: string
}
/**
 * Answer machines that are no Devices, too, so that they become Discoveries.
 */
discover?: boolean
}
}[]
}
}
