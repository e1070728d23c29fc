using Microsoft.ML.Trl.Operators;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class NativeSettingsTests
{
    private static string Missing(bool avx512, bool avx2, params string[] set) =>
        string.Join(" ", NativeSettings.Missing(name => set.Contains(name) ? "" : null, avx512, avx2)
            .Select(setting => $"{setting.Name}={setting.Value}"));

    [TestMethod]
    public void Open_settings_follow_the_processor()
    {
        Assert.AreEqual("MKL_CBWR=AVX512 GOMP_SPINCOUNT=5000", Missing(true, true));
        Assert.AreEqual("MKL_CBWR=AVX2 GOMP_SPINCOUNT=5000", Missing(false, true));
        Assert.AreEqual("GOMP_SPINCOUNT=5000", Missing(false, false));
    }

    [TestMethod]
    public void What_the_user_set_stays()
    {
        Assert.AreEqual("GOMP_SPINCOUNT=5000", Missing(true, true, "MKL_CBWR"));
        Assert.AreEqual("MKL_CBWR=AVX512", Missing(true, true, "GOMP_SPINCOUNT"));
        Assert.AreEqual("MKL_CBWR=AVX512", Missing(true, true, "OMP_WAIT_POLICY"));
    }

    [TestMethod]
    public void Applying_again_throws_nothing() => NativeSettings.Apply();
}
