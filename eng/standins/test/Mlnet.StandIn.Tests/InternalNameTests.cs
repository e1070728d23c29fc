using System.IO.Compression;
using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Mlnet.StandIn.Tests;

/// <summary>The internals that foreign transformers reach must keep their names, kinds and types.</summary>
[TestClass]
public sealed class InternalNameTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Assembly Core = typeof(ITransformer).Assembly;

    private static Type Of(string name) => Core.GetType("Microsoft.ML." + name, throwOnError: true);

    [TestMethod]
    public void Saving()
    {
        Type context = typeof(ModelSaveContext);
        Assert.IsNotNull(Of("VersionInfo").GetConstructor([typeof(string), typeof(uint), typeof(uint), typeof(uint), typeof(string), typeof(string), typeof(string)]));
        Assert.IsNotNull(context.GetMethod("SetVersionInfo", All, [Of("VersionInfo")]));
        Assert.IsNotNull(context.GetMethod("SaveTextStream", All, [typeof(string), typeof(Action<TextWriter>)]));
        Assert.IsNotNull(context.GetMethod("SaveBinaryStream", All, [typeof(string), typeof(Action<BinaryWriter>)]));
        Assert.IsNotNull(context.GetMethod("CheckAtModel", All, Type.EmptyTypes));
        Assert.IsTrue(context.GetMethods(All).Any(method => method.Name == "SaveModel" && method.IsGenericMethod && !method.IsStatic && method.GetParameters().Length == 2));
        Assert.AreEqual(typeof(BinaryWriter), context.GetField("Writer", All).FieldType);
        Assert.AreEqual(Of("RepositoryWriter"), context.GetField("Repository", All).FieldType);
        Assert.AreEqual(typeof(string), context.GetField("Directory", All).FieldType);
        Assert.AreEqual(typeof(ZipArchive), Of("RepositoryWriter").GetField("_archive", All).FieldType);
        Assert.AreEqual(0, context.GetConstructors().Length);
    }

    [TestMethod]
    public void Loading()
    {
        Type context = Of("ModelLoadContext");
        Assert.IsFalse(context.IsPublic);
        Assert.IsNotNull(context.GetMethod("TryLoadTextStream", All, [typeof(string), typeof(Action<TextReader>)]));
        Assert.IsNotNull(context.GetMethod("TryLoadBinaryStream", All, [typeof(string), typeof(Action<BinaryReader>)]));
        Assert.IsNotNull(context.GetMethod("CheckAtModel", All, [Of("VersionInfo")]));
        Assert.AreEqual(typeof(BinaryReader), context.GetField("Reader", All).FieldType);
        Assert.AreEqual(Of("RepositoryReader"), context.GetField("Repository", All).FieldType);
        Assert.AreEqual(typeof(string), context.GetField("Directory", All).FieldType);
        Assert.AreEqual(typeof(Dictionary<string, ZipArchiveEntry>), Of("RepositoryReader").GetField("_entries", All).FieldType);
        MethodInfo nested = context.GetMethods(All).Single(
            method => method.Name == "LoadModel" && !method.IsStatic && method.GetParameters().Length == 4 && method.GetParameters()[2].ParameterType == typeof(string));
        Assert.AreEqual(2, nested.GetGenericArguments().Length);
        Assert.AreEqual(typeof(IHostEnvironment), nested.GetParameters()[0].ParameterType);
        Assert.IsTrue(nested.GetParameters()[1].IsOut);
        Assert.AreEqual(typeof(object[]), nested.GetParameters()[3].ParameterType);
    }

    [TestMethod]
    public void Finding_the_loader()
    {
        Assert.IsNotNull(Of("LoadableClassAttribute").GetConstructor([typeof(Type), typeof(Type), typeof(Type), typeof(Type), typeof(string), typeof(string[])]));
        Assert.IsFalse(Of("LoadableClassAttribute").IsPublic);
        Assert.AreEqual(typeof(MulticastDelegate), Of("SignatureLoadModel").BaseType);
        Assert.AreEqual(Of("ModelLoadContext"), Of("SignatureLoadModel").GetMethod("Invoke").GetParameters().Single().ParameterType);
    }

    [TestMethod]
    public void Settings_of_a_host()
    {
        Type settings = Of("Runtime.IHostEnvironmentInternal");
        Assert.IsTrue(settings.IsAssignableFrom(typeof(MLContext)));
        Assert.AreEqual(typeof(int?), settings.GetProperty("Seed").PropertyType);
        Assert.AreEqual(typeof(int?), settings.GetProperty("GpuDeviceId").PropertyType);
        Assert.AreEqual(typeof(bool), settings.GetProperty("FallbackToCpu").PropertyType);
        Assert.AreEqual(typeof(string), settings.GetProperty("TempFilePath").PropertyType);
        Assert.AreEqual(typeof(bool), Of("Runtime.ICancelable").GetProperty("IsCanceled").PropertyType);
    }
}
