using TorchSharp;
namespace Microsoft.ML.Trl.Operators;
internal static class TorchLibrary
{
    public static void EnsureLoaded() => torch.InitializeDeviceType(DeviceType.CPU);
    public static string FileName(string name) => OperatingSystem.IsWindows() ? name + ".dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
}
