using System.Runtime.InteropServices;
using TorchSharp;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Loads libtorch through TorchSharp, and says why where that fails: TorchSharp itself blames a missing package whatever the reason.
/// </summary>
internal static class TorchLibrary
{
    private static volatile bool _loaded;

    /// <summary>Loads libtorch unless it is loaded.</summary>
    /// <exception cref="DllNotFoundException">
    /// It cannot be loaded; the message says which library is in the way, and what to do.
    /// </exception>
    public static void EnsureLoaded()
    {
        if (_loaded)
            return;
        // TorchSharp answers such a failure with pages on the console and a copy of all its libraries beside the program: it is not asked.
        if (OperatingSystem.IsLinux() && Try() is { Message: not null } attempt)
            throw new DllNotFoundException(LoadFailure.Explain(attempt, LoadFailure.NewestVersionIn));
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            _loaded = true;
        }
        catch (Exception failure) when (failure is TypeInitializationException or NotSupportedException or DllNotFoundException)
        {
            throw new DllNotFoundException(LoadFailure.Explain(Try(), LoadFailure.NewestVersionIn), failure);
        }
    }

    /// <summary>What the system calls a library, such as libtorch_cpu.so.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? library + ".dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static LoadFailure.Attempt Try()
    {
        string[] folders = [.. Folders()];
        string? libtorch = Find(folders, FileName("torch_cpu")), shim = Find(folders, FileName("LibTorchSharp"));
        string? message = null;
        if (libtorch is not null && shim is not null)
            message = LoadError(Find(folders, FileName("c10"))) ?? LoadError(libtorch)
                ?? LoadError(Find(folders, FileName("torch"))) ?? LoadError(shim); // in the order in which they need each other
        return new LoadFailure.Attempt(libtorch, shim, message);
    }

    private static string? LoadError(string? path)
    {
        if (path is null)
            return null;
        try
        {
            NativeLibrary.Load(path); // stays loaded: the next one needs it
            return null;
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            return failure.Message;
        }
    }

    private static string? Find(IEnumerable<string> folders, string file) =>
        folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    /// <summary>
    /// Where packages put native libraries: published beside the program, or under runtimes, or in the package folder for a program that
    /// runs from its build.
    /// </summary>
    private static IEnumerable<string> Folders()
    {
        string native = Path.Combine("runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        string? assembly = Path.GetDirectoryName(typeof(torch).Assembly.Location);
        string searched = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return [
            AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, native),
            .. searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            .. string.IsNullOrEmpty(assembly) ? Array.Empty<string>() : [assembly, Path.Combine(assembly, "..", "..", native)]];
    }
}
