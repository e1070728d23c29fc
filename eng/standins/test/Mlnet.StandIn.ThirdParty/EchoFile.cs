extern alias facade;

using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ThirdParty;
using F = facade::Microsoft.ML;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: F.LoadableClass(typeof(ITransformer), typeof(EchoLoader), null, typeof(F.SignatureLoadModel), "Echo", EchoTransformer.LoaderName)]
[assembly: F.LoadableClass(typeof(ITransformer), typeof(FailingLoader), null, typeof(F.SignatureLoadModel), "Failing", FailingLoader.Name)]

namespace System.Runtime.CompilerServices
{
    /// <summary>Tells the runtime to let this assembly see the internals of another.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        public string AssemblyName { get; } = assemblyName;
    }
}

namespace ThirdParty
{
    public sealed partial class EchoTransformer
    {
        public const string LoaderName = "StandInTestEcho";

        /// <summary>Set by tests that save wrongly on purpose.</summary>
        public string SavedSignature { get; set; } = "TEST ECH";

        public string SavedAssembly { get; set; } = "Mlnet.StandIn.ThirdParty";

        public string SavedLoader { get; set; } = LoaderName;

        /// <summary>Bytes in the model block itself, beside the streams.</summary>
        public byte[] SavedBlock { get; set; } = [];

        void ICanSaveModel.Save(ModelSaveContext ctx)
        {
            F.ModelSaveContext context = Unsafe.As<F.ModelSaveContext>(ctx);
            if (SavedSignature is null)
                return;
            context.SetVersionInfo(new F.VersionInfo(SavedSignature, 0x00010001, 0x00010001, 0x00010001, SavedAssembly, SavedLoader, null));
            WriterOf(ctx).Write(SavedBlock);
            context.SaveTextStream("config.json", writer => writer.Write(string.Join("\n", input, output, Handle.Name)));
            context.SaveBinaryStream("weights.bin", writer => writer.Write(weights));
        }

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "Writer")]
        private static extern ref BinaryWriter WriterOf(ModelSaveContext context);
    }

    /// <summary>Found by its attribute; nobody calls it by name.</summary>
    internal static class EchoLoader
    {
        public static ITransformer Create(IHostEnvironment env, F.ModelLoadContext ctx)
        {
            ctx.CheckAtModel(new F.VersionInfo("TEST ECH", 0x00010001, 0x00010001, 0x00010001, "Mlnet.StandIn.ThirdParty", EchoTransformer.LoaderName, null));
            string[] config = null;
            byte[] weights = null;
            ctx.TryLoadTextStream("config.json", reader => config = reader.ReadToEnd().Split('\n'));
            ctx.TryLoadBinaryStream("weights.bin", reader => weights = reader.ReadBytes((int)reader.BaseStream.Length));
            return new EchoTransformer(config[0], config[1], weights, config[2]);
        }
    }

    /// <summary>Raises from the loader.</summary>
    internal static class FailingLoader
    {
        public const string Name = "StandInTestFails";

        public static ITransformer Create(IHostEnvironment env, F.ModelLoadContext ctx) => throw new NotSupportedException("no weights today");
    }
}
