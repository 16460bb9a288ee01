-- Health of a Placement: whether it has its place. One that fits nowhere waits for room, as a Pod does, and says what is missing.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted"}
end
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet"}
end
local message = nil
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Scheduled" then
    message = condition.message
  end
end
if status.phase == "Bound" then
  return {status = "Healthy", message = message}
end
return {status = "Progressing", message = message}
