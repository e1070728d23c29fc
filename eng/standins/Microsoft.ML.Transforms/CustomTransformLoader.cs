using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ITransformer), typeof(CustomTransformLoader), null, typeof(SignatureLoadModel), "", CustomTransformLoader.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Writes the name of a mapping's contract, and finds the factory by it again.</summary>
internal static class CustomTransformLoader
{
    public const string LoaderSignature = "CustomTransformer";
    private const uint NamesAssembly = 0x00010002;

    public static void Save(ModelSaveContext ctx, string contractName, string contractAssembly)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version());
        ctx.SaveString(contractName);
        ctx.SaveString(contractAssembly);
    }

    private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version());
        string contractName = ctx.LoadString();
        if (ctx.Header.ModelVerWritten >= NamesAssembly)
            env.ComponentCatalog.RegisterAssembly(Assembly.Load(ctx.LoadString()));
        return env.ComponentCatalog.GetExtensionValue(env, typeof(CustomMappingFactoryAttributeAttribute), contractName) is ICustomMappingFactory factory
            ? factory.CreateTransformer(env, contractName)
            : throw Fail.State($"The class with contract '{contractName}' must derive from '{typeof(CustomMappingFactory<,>).FullName}'.");
    }

    private static VersionInfo Version() => new("CUSTOMXF", NamesAssembly, NamesAssembly, 0x00010001, typeof(CustomTransformLoader).Assembly.FullName, LoaderSignature);
}
