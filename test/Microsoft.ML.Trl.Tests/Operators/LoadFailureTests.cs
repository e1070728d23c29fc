using Microsoft.ML.Trl.Operators;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class LoadFailureTests
{
    private static string Explain(
        string? message, string? libtorch = "/app/libtorch_cpu.so", string? shim = "/app/libLibTorchSharp.so", string? newest = "3.4.30") =>
        LoadFailure.Explain(new LoadFailure.Attempt(libtorch, shim, message), (_, _) => newest);

    [TestMethod]
    public void Old_cpp_runtime_is_named_with_what_it_has_and_what_to_do() => Assert.AreEqual(
        "TorchSharp's native library libLibTorchSharp.so needs GLIBCXX_3.4.32; this system's libstdc++.so.6 " +
        "(/lib/x86_64-linux-gnu/libstdc++.so.6) has up to 3.4.30. " +
        "Use a newer system (Ubuntu 24.04, Debian 13, Fedora 39, or the .NET container images of such), or run './build.sh env' in " +
        "the repository of Microsoft.ML.Trl and export the LD_LIBRARY_PATH that it prints before the program starts.",
        Explain("Unable to load shared library '/app/libLibTorchSharp.so' or one of its dependencies. " +
            "In order to help diagnose loading problems, consider using a tool like strace. " +
            "If you're using glibc, consider setting the LD_DEBUG environment variable: \n" +
            "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/libLibTorchSharp.so)\n"));

    [TestMethod]
    public void Version_that_cannot_be_read_is_left_out() => StringAssert.Contains(
        Explain("/usr/lib/libstdc++.so.6: version `CXXABI_1.3.15' not found (required by /app/libtorch_cpu.so)", newest: null),
        "libtorch_cpu.so needs CXXABI_1.3.15; this system's libstdc++.so.6 (/usr/lib/libstdc++.so.6) lacks it.");

    [TestMethod]
    public void Old_C_library_has_no_cure_but_a_newer_system()
    {
        string text = Explain("/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /app/libLibTorchSharp.so)", newest: "2.34");
        StringAssert.Contains(text, "needs GLIBC_2.38; this system's libc.so.6 (/lib64/libc.so.6) has up to 2.34. Use a newer system");
        Assert.IsFalse(text.Contains("LD_LIBRARY_PATH", StringComparison.Ordinal), text);
    }

    [TestMethod]
    public void Missing_library_is_named() => StringAssert.Contains(
        Explain("libnuma.so.1: cannot open shared object file: No such file or directory"),
        "libnuma.so.1 is missing. Install the system package");

    [TestMethod]
    public void Missing_package_is_named() =>
        StringAssert.Contains(Explain(null, libtorch: null), "no libtorch package is referenced. Add TorchSharp-cpu");

    [TestMethod]
    public void System_without_a_shim_is_named() =>
        StringAssert.Contains(Explain(null, shim: null), "no package brings TorchSharp's native library for this system");

    [TestMethod]
    public void Windows_needs_the_redistributable() => StringAssert.Contains(
        Explain("Unable to load DLL 'C:\\app\\LibTorchSharp.dll' or one of its dependencies: " +
            "The specified module could not be found. (0x8007007E)"),
        "Redistributable");

    [TestMethod]
    public void Libraries_that_load_by_themselves_do_not_match() => StringAssert.Contains(Explain(null), "their versions do not match");

    [TestMethod]
    public void Any_other_message_is_passed_on() =>
        Assert.AreEqual("TorchSharp cannot load libtorch. The system says: something new", Explain(" something new\n"));

    [TestMethod]
    public void Newest_version_is_the_largest_by_number()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4\0GLIBC_2.17\0GLIBCXX_DEBUG\0");
            Assert.AreEqual("3.4.30", LoadFailure.NewestVersionIn(path, "GLIBCXX"));
            Assert.AreEqual("2.17", LoadFailure.NewestVersionIn(path, "GLIBC"));
            Assert.IsNull(LoadFailure.NewestVersionIn(path, "CXXABI"));
            Assert.IsNull(LoadFailure.NewestVersionIn(path + ".none", "GLIBC"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Loading_works_here_and_again()
    {
        TorchLibrary.EnsureLoaded();
        TorchLibrary.EnsureLoaded();
    }
}
